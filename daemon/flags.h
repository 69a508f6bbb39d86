// The flags of a program, spelled as pflag reads them: --name=value, --name value, --switch, -v=4, `_` for `-`.
//
//   FlagSet flags("kube-scheduler");
//   flags.section("Leader election");
//   flags.add("leader-elect", options.leader_elect, "Only the holder of the lease works");
//   flags.add(kInert);                      // upstream's flags that change nothing here, each with its reason
//   const auto asked = flags.parse(args);   // throws FlagError
//
// Defaults are what the variables hold when they are added. Names, types and defaults are upstream's; a table test
// (tests/pilothouse/flags_test.cc) goes through all of upstream's flags.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "base/time.h"

namespace ph::daemon {

// In words for whoever typed the command.
class FlagError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// What a flag of upstream's does here: what it says; nothing, whatever its value; or it may only keep its default.
enum class Standing { Works, NoEffect, Refused };

struct InertFlag {
  const char* name;
  const char* type;  // pflag's name of it: "bool", "duration", "strings", …
  const char* default_value;
  Standing standing;
  const char* why;
};

class FlagSet {
 public:
  struct Flag {
    std::string name, type, default_value, help, section;
    Standing standing = Standing::Works;
    std::string why;
    bool given = false;
    std::function<void(const std::string&)> set;  // throws std::invalid_argument: what is wrong with the value
    std::function<std::string()> text;            // the present value

    // Another name of pflag's for the type: "int32", "Level"; "ip" takes addresses only.
    Flag& typed(std::string name);
  };

  explicit FlagSet(std::string program);

  // The heading of the flags that follow.
  void section(std::string title) { section_ = std::move(title); }

  // The variables must outlive the set.
  Flag& add(std::string name, bool& value, std::string help);
  Flag& add(std::string name, int& value, std::string help);
  Flag& add(std::string name, double& value, std::string help);
  Flag& add(std::string name, std::string& value, std::string help);
  Flag& add(std::string name, Duration& value, std::string help);
  // Comma-separated and repeatable; the first occurrence replaces the default.
  Flag& add(std::string name, std::vector<std::string>& value, std::string help);
  // Repeatable, each occurrence one item whatever it holds.
  Flag& add_array(std::string name, std::vector<std::string>& value, std::string help);
  // name=value pairs, comma-separated and repeatable.
  Flag& add(std::string name, std::map<std::string, std::string>& value, std::string help);
  void add(std::span<const InertFlag> flags);
  // What stands between the flags is put there, in its order; without this there may be nothing. `usage`: what help calls it.
  void take_words(std::vector<std::string>& words, std::string usage) {
    words_ = &words;
    words_usage_ = std::move(usage);
  }
  // Another spelling of a flag that is there: "-v" for "--v".
  void shorthand(char letter, std::string name) { shorthands_.emplace(letter, std::move(name)); }

  enum class Asked { Run, Help, Version };
  // `args` without the program's name.
  Asked parse(std::span<const std::string> args);

  // Once parsed: what a flag says that was not given; it stays one that was not. The flag exists, and takes the value.
  void preset(std::string_view name, const std::string& value);

  bool given(std::string_view name) const;
  std::string help() const;
  // In the order of their names. Threads: any, once parsed.
  std::vector<const Flag*> flags() const;

 private:
  Flag& put(std::string name, std::string type, std::string help);
  Flag& found(std::string_view token, std::string_view name);
  void set(Flag& flag, std::string_view token, const std::string& value);

  std::string program_, section_;
  std::map<std::string, std::unique_ptr<Flag>, std::less<>> flags_;
  std::vector<std::string> sections_;  // in the order of their first flag
  std::map<char, std::string> shorthands_;
  std::vector<std::string>* words_ = nullptr;
  std::string words_usage_;
};

}  // namespace ph::daemon
