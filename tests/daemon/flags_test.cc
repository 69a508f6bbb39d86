#include "daemon/common_flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ph::daemon {
namespace {

constexpr InertFlag kInert[] = {
    {"kube-api-qps", "float32", "50", Standing::NoEffect, "requests are not held back"},
    {"tls-sni-cert-key", "namedCertKey", "[]", Standing::Refused, "one certificate serves all names"},
    {"contention-profiling", "bool", "true", Standing::Refused, "there is none"},
};

struct Program {
  bool elect = true;
  int port = 10259;
  double rate = 0.5;
  std::string lock = "leases", address = "0.0.0.0";
  Duration lease = 15s;
  std::vector<std::string> controllers{"*"}, keys;
  std::map<std::string, std::string> gates;
  std::string level = "0";
  FlagSet flags{"kube-thing"};

  Program() {
    flags.section("Leader election");
    flags.add("leader-elect", elect, "Only the holder of the lease works");
    flags.add("leader-elect-lease-duration", lease, "How long a lease lasts");
    flags.add("leader-elect-resource-lock", lock, "The kind of lock");
    flags.section("Other");
    flags.add("secure-port", port, "The port");
    flags.add("bind-address", address, "The address").typed("ip");
    flags.add("rate", rate, "A rate");
    flags.add("controllers", controllers, "Loops");
    flags.add_array("key-file", keys, "Keys");
    flags.add("feature-gates", gates, "Gates");
    flags.add("v", level, "Level").typed("Level");
    flags.shorthand('v', "v");
    flags.add(kInert);
  }
  std::string text() const {
    std::string out;
    for (const auto* flag : flags.flags()) {
      if (flag->text() != flag->default_value) out += flag->name + "=" + flag->text() + " ";
    }
    return out;
  }
};

struct Case {
  const char* name;
  std::vector<std::string> args;
  const char* result;  // flags that are not at their default, or the error
};

const Case kCases[] = {
    {"none", {}, ""},
    {"a value behind =", {"--secure-port=1"}, "secure-port=1 "},
    {"a value of its own", {"--secure-port", "1"}, "secure-port=1 "},
    {"a switch", {"--leader-elect=false"}, "leader-elect=false "},
    {"a switch takes no value of its own",
     {"--leader-elect", "false"},
     "unknown command \"false\" for \"kube-thing\": it takes flags only"},
    {"a switch alone", {"--leader-elect=0", "--leader-elect"}, ""},
    {"a switch that is none",
     {"--leader-elect=maybe"},
     "invalid argument \"maybe\" for \"--leader-elect\" flag: neither true nor false"},
    {"_ for -", {"--leader_elect_lease-duration=1m30s"}, "leader-elect-lease-duration=1m30s "},
    {"a level", {"-v=4"}, "v=4 "},
    {"a level without =", {"-v4"}, "v=4 "},
    {"a level of its own", {"-v", "4"}, "v=4 "},
    {"a level in full", {"--v=4"}, "v=4 "},
    {"a list", {"--controllers=*,-ttl"}, "controllers=[*,-ttl] "},
    {"a list in two", {"--controllers=a", "--controllers=b,c"}, "controllers=[a,b,c] "},
    {"an array keeps its commas", {"--key-file=a,b", "--key-file=c"}, "key-file=[a,b,c] "},
    {"a map", {"--feature-gates=A=true,B=false", "--feature-gates=C=true"}, "feature-gates=A=true,B=false,C=true "},
    {"a map without =",
     {"--feature-gates=A"},
     "invalid argument \"A\" for \"--feature-gates\" flag: A must be formatted as key=value"},
    {"no number", {"--secure-port=ten"}, "invalid argument \"ten\" for \"--secure-port\" flag: not a number"},
    {"too large",
     {"--secure-port=99999999999"},
     "invalid argument \"99999999999\" for \"--secure-port\" flag: value out of range"},
    {"an address", {"--bind-address=::1"}, "bind-address=::1 "},
    {"no address",
     {"--bind-address=localhost"},
     "invalid argument \"localhost\" for \"--bind-address\" flag: failed to parse IP: \"localhost\""},
    {"no duration",
     {"--leader-elect-lease-duration=15"},
     "invalid argument \"15\" for \"--leader-elect-lease-duration\" flag: not a duration such as 15s or 1h30m"},
    {"nothing behind it", {"--secure-port"}, "flag needs an argument: --secure-port"},
    {"unknown", {"--nonsense=1"}, "unknown flag: --nonsense"},
    {"unknown shorthand", {"-x"}, "unknown shorthand flag: 'x' in -x"},
    {"a word", {"run"}, "unknown command \"run\" for \"kube-thing\": it takes flags only"},
    {"without effect", {"--kube-api-qps=100"}, "kube-api-qps=100 "},
    {"without effect, but typed", {"--kube-api-qps=fast"}, "invalid argument \"fast\" for \"--kube-api-qps\" flag: not a number"},
    {"refused",
     {"--tls-sni-cert-key=a,b"},
     "invalid argument \"a,b\" for \"--tls-sni-cert-key\" flag: not supported: one certificate serves all names"},
    {"refused at its default", {"--contention-profiling=1", "--tls-sni-cert-key="}, "contention-profiling=1 tls-sni-cert-key= "},
};

TEST(Flags, Spellings) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    Program program;
    std::string result;
    try {
      EXPECT_EQ(program.flags.parse(c.args), FlagSet::Asked::Run);
      result = program.text();
    } catch (const FlagError& error) {
      result = error.what();
    }
    EXPECT_EQ(result, c.result);
  }
}

TEST(Flags, PresetsGiveWayToWhatIsGiven) {
  Program program;
  program.flags.parse(std::vector<std::string>{"--secure-port=1", "--leader-elect=true"});
  for (const auto& [flag, value] : {std::pair("secure-port", "2"), std::pair("leader-elect", "false"),
                                    std::pair("controllers", "a,b"), std::pair("kube-api-qps", "7")}) {
    program.flags.preset(flag, value);
  }
  EXPECT_EQ(program.port, 1);
  EXPECT_TRUE(program.elect);
  EXPECT_EQ(program.controllers, (std::vector<std::string>{"a", "b"}));
  EXPECT_NE(program.text().find("kube-api-qps=7 "), std::string::npos);
  EXPECT_FALSE(program.flags.given("controllers"));
}

TEST(ServingFlags, WhatCannotBeIsRefused) {
  const auto problem = [](ServingOptions options) -> std::string {
    try {
      check(options);
    } catch (const FlagError& error) {
      return error.what();
    }
    return {};
  };
  EXPECT_EQ(problem({.authentication_kubeconfig = "a", .authorization_kubeconfig = "a"}), "");
  EXPECT_EQ(problem({.authorization_kubeconfig = "b"}), "");
  EXPECT_EQ(problem({.authentication_kubeconfig = "a", .authorization_kubeconfig = "b"}), "");
  EXPECT_EQ(problem({.secure_port = 65536, .tls_min_version = "VersionTLS10"}),
            "[--secure-port 65536 must be between 0 and 65535, inclusive. 0 for turning off secure port, "
            "unknown tls version \"VersionTLS10\": VersionTLS12 and VersionTLS13 are supported]");
}

TEST(FlagsWithoutEffect, AreNamedOnceEachWhenGiven) {
  Program program;
  program.flags.parse(
      std::vector<std::string>{"--kube-api-qps=100", "--kube-api-qps=200", "--rate=2", "--contention-profiling=true"});
  std::vector<std::string> lines;
  log_flags_without_effect(program.flags,
                           Log([&lines](const LogLine& line) { lines.push_back(format_text(line)); }, LogLevel::Warning));
  EXPECT_THAT(lines, testing::ElementsAre("a flag without effect flag=kube-api-qps why=\"requests are not held back\""));
}

TEST(Flags, AskForHelpOrVersion) {
  using Asked = FlagSet::Asked;
  const std::pair<std::vector<std::string>, Asked> kAsks[] = {
      {{"--help"}, Asked::Help},         {{"-h"}, Asked::Help},
      {{"--version"}, Asked::Version},   {{"--version=raw"}, Asked::Version},
      {{"--version=false"}, Asked::Run}, {{"--version", "--help"}, Asked::Help}};
  for (const auto& [args, asked] : kAsks) {
    Program program;
    EXPECT_EQ(program.flags.parse(args), asked) << args.front();
  }
}

TEST(Flags, HelpNamesEveryFlagInItsSection) {
  Program program;
  const std::string help = program.flags.help();
  for (const auto* flag : program.flags.flags()) EXPECT_THAT(help, testing::HasSubstr("--" + flag->name));
  EXPECT_LT(help.find("Leader election flags:"), help.find("Other flags:"));
  EXPECT_THAT(help, testing::HasSubstr("  -v, --v Level"));
  EXPECT_THAT(help, testing::HasSubstr("Only its default is accepted: one certificate serves all names."));
}

}  // namespace
}  // namespace ph::daemon
