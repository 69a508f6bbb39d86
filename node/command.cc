#include "node/command.h"

#include <charconv>
#include <cmath>
#include <string_view>

namespace ph::node {
namespace {

using Words = std::vector<std::string>;

// What a program is called without the folder it lies in.
std::string_view base_name(std::string_view program) { return program.substr(program.rfind('/') + 1); }

bool is_shell(std::string_view program) {
  program = base_name(program);
  return program == "sh" || program == "bash" || program == "ash" || program == "dash";
}

// A simple command of a shell's text, and when it runs.
struct Simple {
  enum When { Always, AfterSuccess, AfterFailure } when = Always;
  Words words;
};

// Splits a shell text into simple commands of words. Quotes keep words together; nothing is expanded.
std::vector<Simple> split_script(std::string_view script) {
  std::vector<Simple> commands(1);
  std::string word;
  bool in_word = false;
  char quote = 0;
  const auto end_word = [&] {
    if (in_word) commands.back().words.push_back(std::move(word));
    word.clear();
    in_word = false;
  };
  const auto end_command = [&](Simple::When next) {
    end_word();
    if (!commands.back().words.empty()) commands.push_back({.when = next, .words = {}});
  };
  for (std::size_t i = 0; i < script.size(); ++i) {
    const char c = script[i];
    const bool doubled = i + 1 < script.size() && script[i + 1] == c;
    if (quote) {
      if (c == quote) quote = 0;
      else word += c;
    } else if (c == '\'' || c == '"') {
      quote = c;
      in_word = true;
    } else if (c == ';' || c == '\n') {
      end_command(Simple::Always);
    } else if ((c == '&' || c == '|') && doubled) {
      end_command(c == '&' ? Simple::AfterSuccess : Simple::AfterFailure);
      ++i;
    } else if (c == ' ' || c == '\t') {
      end_word();
    } else {
      word += c;
      in_word = true;
    }
  }
  end_command(Simple::Always);
  commands.pop_back();
  return commands;
}

// "5", "0.5", "2m", "1h"; nothing for "infinity" and what is no number.
std::optional<Duration> parse_sleep(std::string_view text) {
  double factor = 1;
  if (!text.empty()) {
    switch (text.back()) {
      case 's': text.remove_suffix(1); break;
      case 'm':
        factor = 60;
        text.remove_suffix(1);
        break;
      case 'h':
        factor = 3600;
        text.remove_suffix(1);
        break;
      case 'd':
        factor = 86400;
        text.remove_suffix(1);
        break;
      default: break;
    }
  }
  double seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(seconds) || seconds < 0) return std::nullopt;
  if (seconds * factor > std::chrono::duration<double>(kForever).count()) return std::nullopt;
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds * factor));
}

// Adds one simple command to the run. False: nothing after it is reached.
bool add_command(const Words& words, Run& run) {
  const std::string_view program = base_name(words.front());
  if (program == "sleep" && words.size() == 2) {
    const auto takes = parse_sleep(words[1]);
    if (!takes || run.takes + *takes > kForever) return run.exit_code.reset(), false;
    run.takes += *takes;
    return run.exit_code = 0, true;
  }
  if (program == "true" || program == ":") return run.exit_code = 0, true;
  if (program == "false") return run.exit_code = 1, true;
  if (program == "exit") {
    int code = run.exit_code.value_or(0);
    if (words.size() > 1) std::from_chars(words[1].data(), words[1].data() + words[1].size(), code);
    run.exit_code = code & 0xff;
    return false;
  }
  if (program == "echo") {
    std::string line;
    for (std::size_t i = 1; i < words.size(); ++i) line += (i > 1 ? " " : "") + words[i];
    run.output.push_back({run.takes, std::move(line)});
    return run.exit_code = 0, true;
  }
  return run.exit_code.reset(), false;
}

bool is_reached(Simple::When when, int code) { return when == Simple::Always || (when == Simple::AfterSuccess) == (code == 0); }

}  // namespace

Run read_command(std::span<const std::string> command, std::span<const std::string> args) {
  Words words(command.begin(), command.end());
  words.insert(words.end(), args.begin(), args.end());
  if (words.empty()) return {};

  std::vector<Simple> commands;
  if (words.size() >= 3 && is_shell(words[0]) && words[1].starts_with("-") && words[1].ends_with("c")) {
    commands = split_script(words[2]);
  } else {
    commands.push_back({.words = std::move(words)});
  }

  Run run{.exit_code = 0};
  for (const Simple& simple : commands) {
    if (!is_reached(simple.when, *run.exit_code)) continue;
    if (!add_command(simple.words, run)) break;
  }
  return run;
}

}  // namespace ph::node
