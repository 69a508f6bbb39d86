#include "node/command.h"

#include <gtest/gtest.h>

namespace ph::node {
namespace {

struct Case {
  const char* name;
  std::vector<std::string> command, args;
  Duration takes;
  std::optional<int> exit_code;
  std::vector<Run::Line> output;
};

const Case kCases[] = {
    {"nothing: the image's server", {}, {}, 0s, {}, {}},
    {"an unknown program", {"nginx", "-g", "daemon off;"}, {}, 0s, {}, {}},
    {"sleep", {"sleep", "5"}, {}, 5s, 0, {}},
    {"sleep in args", {}, {"sleep", "90"}, 90s, 0, {}},
    {"a program by its path", {"/bin/sleep", "2m"}, {}, 120s, 0, {}},
    {"a fraction", {"sleep", "0.25"}, {}, 250ms, 0, {}},
    {"for ever", {"sleep", "infinity"}, {}, 0s, {}, {}},
    {"longer than a century", {"sleep", "99999999999999"}, {}, 0s, {}, {}},
    {"a negative sleep is no sleep", {"sleep", "-3"}, {}, 0s, {}, {}},
    {"sleeps longer than a century together",
     {"sh", "-c", "sleep 36500d; sleep 36500d; sleep 36500d; sleep 36500d"},
     {},
     36500 * 24h,
     {},
     {}},
    {"true", {"true"}, {}, 0s, 0, {}},
    {"false", {"false"}, {}, 0s, 1, {}},
    {"a shell", {"sh", "-c", "echo working; sleep 5; exit 3"}, {}, 5s, 3, {{0s, "working"}}},
    {"the text in args", {"/bin/bash", "-ec"}, {"sleep 1 && sleep 2"}, 3s, 0, {}},
    {"quotes keep words together", {"sh", "-c", "echo 'a; b' \"c  d\""}, {}, 0s, 0, {{0s, "a; b c  d"}}},
    {"nothing is reached after exit", {"sh", "-c", "exit 2; sleep 100"}, {}, 0s, 2, {}},
    {"exit keeps the last code", {"sh", "-c", "false; exit"}, {}, 0s, 1, {}},
    {"a server after some work", {"sh", "-c", "echo up\nsleep 3\nserve --port 80"}, {}, 3s, {}, {{0s, "up"}}},
    {"lines come when they are reached",
     {"sh", "-c", "echo one; sleep 2; echo two; sleep 0.5; echo three"},
     {},
     2500ms,
     0,
     {{0s, "one"}, {2s, "two"}, {2500ms, "three"}}},
    {"a path in a shell's text", {"sh", "-c", "/bin/true"}, {}, 0s, 0, {}},
    {"a path that fails", {"sh", "-c", "/bin/false"}, {}, 0s, 1, {}},
    {"paths after each other", {"sh", "-c", "/bin/echo up; /usr/bin/sleep 4; '/bin/false'"}, {}, 4s, 1, {{0s, "up"}}},
    {"a server by its path", {"sh", "-c", "/bin/true; /usr/sbin/nginx"}, {}, 0s, {}, {}},
    {"exit in a text", {"sh", "-c", "exit 3"}, {}, 0s, 3, {}},
    {"the last command's code counts", {"sh", "-c", "false; echo done"}, {}, 0s, 0, {{0s, "done"}}},
    {"a sleep succeeds", {"sh", "-c", "false; sleep 1"}, {}, 1s, 0, {}},
    {"&& after a failure", {"sh", "-c", "false && sleep 9 && echo never"}, {}, 0s, 1, {}},
    {"&& after a success", {"sh", "-c", "true && exit 4"}, {}, 0s, 4, {}},
    {"|| after a failure", {"sh", "-c", "/bin/false || sleep 2"}, {}, 2s, 0, {}},
    {"|| after a success", {"sh", "-c", "true || sleep 2"}, {}, 0s, 0, {}},
    {"a list of both", {"sh", "-c", "false && echo a || echo b; exit 5"}, {}, 0s, 5, {{0s, "b"}}},
    {"an empty text", {"sh", "-c", " ; "}, {}, 0s, 0, {}},
    {"a code is a byte", {"sh", "-c", "exit 256"}, {}, 0s, 0, {}},
};

TEST(Command, IsReadByTheConvention) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    const node::Run run = read_command(c.command, c.args);
    EXPECT_EQ(run.takes, c.takes);
    EXPECT_EQ(run.exit_code, c.exit_code);
    EXPECT_EQ(run.output, c.output);
  }
}

}  // namespace
}  // namespace ph::node
