#include "node/command.h"

#include <charconv>
#include <cmath>
#include <string_view>

namespace ph::node {
namespace {

using Words = std::vector<std::string>;

bool is_shell(std::string_view program) {
  const auto slash = program.rfind('/');
  if (slash != std::string_view::npos) program.remove_prefix(slash + 1);
  return program == "sh" || program == "bash" || program == "ash" || program == "dash";
}

// Splits a shell text into simple commands of words. Quotes keep words together; nothing is expanded.
std::vector<Words> split_script(std::string_view script) {
  std::vector<Words> commands(1);
  std::string word;
  bool in_word = false;
  char quote = 0;
  const auto end_word = [&] {
    if (in_word) commands.back().push_back(std::move(word));
    word.clear();
    in_word = false;
  };
  const auto end_command = [&] {
    end_word();
    if (!commands.back().empty()) commands.emplace_back();
  };
  for (std::size_t i = 0; i < script.size(); ++i) {
    const char c = script[i];
    if (quote) {
      if (c == quote) quote = 0;
      else word += c;
      continue;
    }
    if (c == '\'' || c == '"') {
      quote = c;
      in_word = true;
    } else if (c == ';' || c == '\n') {
      end_command();
    } else if (c == '&' && i + 1 < script.size() && script[i + 1] == '&') {
      end_command();
      ++i;
    } else if (c == ' ' || c == '\t') {
      end_word();
    } else {
      word += c;
      in_word = true;
    }
  }
  end_command();
  commands.pop_back();
  return commands;
}

// "5", "0.5", "2m", "1h"; nothing for "infinity" and what is no number.
std::optional<Duration> parse_sleep(std::string_view text) {
  double factor = 1;
  if (!text.empty()) {
    switch (text.back()) {
      case 's': text.remove_suffix(1); break;
      case 'm': factor = 60; text.remove_suffix(1); break;
      case 'h': factor = 3600; text.remove_suffix(1); break;
      case 'd': factor = 86400; text.remove_suffix(1); break;
      default: break;
    }
  }
  double seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(seconds) || seconds < 0) return std::nullopt;
  // Longer than a century is for ever; it also keeps the arithmetic within range.
  constexpr double kForever = 100.0 * 365 * 86400;
  if (seconds * factor > kForever) return std::nullopt;
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds * factor));
}

// Adds one simple command to the run. False: nothing after it is reached.
bool add_command(const Words& words, Run& run) {
  const std::string& program = words.front();
  if (program == "sleep" && words.size() == 2) {
    const auto takes = parse_sleep(words[1]);
    if (!takes) return run.exit_code.reset(), false;
    run.takes += *takes;
    return true;
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
    run.output.push_back(std::move(line));
    return true;
  }
  return run.exit_code.reset(), false;
}

}  // namespace

Run read_command(std::span<const std::string> command, std::span<const std::string> args) {
  Words words(command.begin(), command.end());
  words.insert(words.end(), args.begin(), args.end());
  if (words.empty()) return {};

  std::vector<Words> commands;
  if (words.size() >= 3 && is_shell(words[0]) && words[1].starts_with("-") && words[1].ends_with("c")) {
    commands = split_script(words[2]);
  } else {
    const auto slash = words[0].rfind('/');
    if (slash != std::string::npos) words[0].erase(0, slash + 1);
    commands.push_back(std::move(words));
  }

  Run run{.exit_code = 0};
  for (const Words& simple : commands) {
    if (!add_command(simple, run)) break;
  }
  return run;
}

}  // namespace ph::node
