#include "tests/vectors/play.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <optional>
#include <stdexcept>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include "tests/vectors/match.h"
#include "tests/vectors/reading.h"

namespace ph::vectors {
namespace {

Outcome play_one(Player& player, const Json& row) {
  try {
    return player.play(row);
  } catch (const std::exception& error) {
    return Outcome::differs(0, std::string("exception: ") + shortened(error.what(), 80),
                            std::string("exception: ") + error.what() + "\n");
  }
}

Json message(const std::string& name, const std::string& group) { return {{"name", name}, {"group", group}}; }

Json message(const Outcome& outcome) {
  return {{"level", outcome.level}, {"served", outcome.served}, {"kinds", outcome.kinds}, {"shown", outcome.shown}};
}

Outcome outcome_of(const Json& said) {
  return {.level = said["level"], .served = said["served"], .kinds = said["kinds"], .shown = said["shown"]};
}

void say(int pipe, const Json& what) {
  const std::string line = what.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  for (std::size_t at = 0; at < line.size();) {
    const ssize_t written = write(pipe, line.data() + at, line.size() - at);
    if (written < 0 && errno != EINTR) _exit(1);
    if (written > 0) at += static_cast<std::size_t>(written);
  }
}

// In the copy: tells each row's name and then what came of it, until the rows end or the player is spent. Nothing leaves it:
// around it is the test, which is not the copy's.
[[noreturn]] void play_in_copy(const Set& set, Player& player, const std::vector<std::string>& rows, std::size_t from,
                               int pipe) try {
  for (std::size_t i = from; i < rows.size(); ++i) {
    const Json row = Json::parse(rows[i]);
    say(pipe, message(set.row_name(row), set.group(row)));
    say(pipe, message(play_one(player, row)));
    if (player.is_spent()) break;
  }
  std::fflush(stdout);
  _exit(0);
} catch (...) {
  _exit(1);
}

// Another process' lines.
class Lines {
 public:
  Lines(int pipe, std::chrono::milliseconds patience) : pipe_(pipe), patience_(patience) {}
  // Nothing: it has ended, or says nothing any more (`timed_out`).
  std::optional<std::string> next() {
    for (;;) {
      if (const std::size_t end = text_.find('\n'); end != std::string::npos) {
        std::string line = text_.substr(0, end);
        text_.erase(0, end + 1);
        return line;
      }
      pollfd waiting{.fd = pipe_, .events = POLLIN, .revents = 0};
      const int ready = poll(&waiting, 1, static_cast<int>(patience_.count()));
      if (ready < 0 && errno == EINTR) continue;
      timed_out = ready == 0;
      char piece[1 << 16];
      const ssize_t size = ready > 0 ? read(pipe_, piece, sizeof piece) : 0;
      if (size < 0 && errno == EINTR) continue;
      if (size <= 0) return std::nullopt;
      text_.append(piece, static_cast<std::size_t>(size));
    }
  }
  bool timed_out = false;

 private:
  const int pipe_;
  const std::chrono::milliseconds patience_;
  std::string text_;
};

class Copy {
 public:
  Copy(const Set& set, Player& player, const std::vector<std::string>& rows, std::size_t from) {
    int ends[2];
    if (::pipe(ends) != 0) throw std::runtime_error("no pipe");
    std::fflush(stdout);
    process_ = fork();
    if (process_ < 0) throw std::runtime_error("no process");
    if (process_ == 0) {
      close(ends[0]);
      play_in_copy(set, player, rows, from, ends[1]);
    }
    close(ends[1]);
    pipe_ = ends[0];
  }
  ~Copy() {
    close(pipe_);
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
  Copy(const Copy&) = delete;
  Copy& operator=(const Copy&) = delete;
  int pipe() const { return pipe_; }

 private:
  pid_t process_ = 0;
  int pipe_ = 0;
};

Outcome crash(bool timed_out) {
  return timed_out ? Outcome::differs(0, "never ends", "never ends\n") : Outcome::differs(0, "crashes", "crashes\n");
}

void show(const Set& set, const Played& played) {
  const Outcome& outcome = played.outcome;
  if (outcome.shown.empty() || !is_shown(set.name, played.row)) return;
  fmt::print("--- {} {} (level {} of {})\n{}", set.name, played.row, outcome.level, set.levels.size(), outcome.shown);
}

}  // namespace

std::vector<Played> play_rows(const Set& set, Player& player, const std::vector<std::string>& rows,
                              std::chrono::milliseconds patience) {
  std::vector<Played> out;
  while (out.size() < rows.size()) {
    const std::size_t first = out.size();
    const Copy copy(set, player, rows, first);
    Lines lines(copy.pipe(), patience);
    while (const auto begun = lines.next()) {
      const Json row = Json::parse(*begun);
      const auto ended = lines.next();
      out.push_back({row["name"], row["group"], ended ? outcome_of(Json::parse(*ended)) : crash(lines.timed_out)});
      if (!ended) break;
    }
    // Its name could not be read.
    if (out.size() == first)
      out.push_back({fmt::format("row {}", first), {}, Outcome::differs(0, "is no row", rows[first] + "\n")});
  }
  return out;
}

void play(const Set& set, Player& player) {
  Agreement agreement(set.name, set.levels);
  for (const Played& played : play_rows(set, player, read_rows(set.name))) {
    agreement.add(played.row, played.group, played.outcome);
    show(set, played);
  }
  EXPECT_EQ(agreement.judge(rows_are_ours(set.name)), "");
}

std::string part_of(const std::string& name, std::size_t parts) {
  std::size_t at = 0;
  for (; parts > 0 && at != std::string::npos; --parts) at = name.find('/', at == 0 ? 0 : at + 1);
  return name.substr(0, at);
}

}  // namespace ph::vectors
