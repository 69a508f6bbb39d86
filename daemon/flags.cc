#include "daemon/flags.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/names.h"
#include "api/times.h"

namespace ph::daemon {
namespace {

std::string quoted_default(const FlagSet::Flag& flag) {
  if (flag.type == "bool" && flag.default_value == "false") return {};
  if (flag.default_value.empty() || flag.default_value == "[]") return {};
  return flag.type == "string" ? fmt::format(" (default \"{}\")", flag.default_value)
                               : fmt::format(" (default {})", flag.default_value);
}

bool to_bool(const std::string& text) {
  for (const char* yes : {"true", "True", "TRUE", "t", "T", "1"}) {
    if (text == yes) return true;
  }
  for (const char* no : {"false", "False", "FALSE", "f", "F", "0"}) {
    if (text == no) return false;
  }
  throw std::invalid_argument("neither true nor false");
}

template <class N>
N to_number(const std::string& text) {
  N value{};
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (result.ec == std::errc::result_out_of_range) throw std::invalid_argument("value out of range");
  if (result.ec != std::errc() || result.ptr != end) throw std::invalid_argument("not a number");
  return value;
}

Duration to_duration(const std::string& text) {
  if (const auto duration = api::parse_duration(text)) return *duration;
  throw std::invalid_argument("not a duration such as 15s or 1h30m");
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> out;
  if (text.empty()) return out;
  for (std::size_t at = 0; at <= text.size();) {
    const auto end = std::min(text.find(separator, at), text.size());
    out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

std::string list_text(const std::vector<std::string>& items) { return fmt::format("[{}]", fmt::join(items, ",")); }

std::string map_text(const std::map<std::string, std::string>& pairs) {
  std::string out;
  for (const auto& [name, value] : pairs) out += fmt::format("{}{}={}", out.empty() ? "" : ",", name, value);
  return out;
}

// Looks at a value as its type says; throws std::invalid_argument. What it means is nobody's business.
void check_type(const std::string& type, const std::string& value) {
  if (type == "bool") to_bool(value);
  if (type == "int" || type == "int32") to_number<int>(value);
  if (type == "float" || type == "float32" || type == "float64") to_number<double>(value);
  if (type == "duration") to_duration(value);
}

// The same value in other words: 60s is 1m0s, TRUE is true, "" is [].
bool same_value(const std::string& type, const std::string& a, const std::string& b) {
  if (a == b) return true;
  if (type == "bool") return to_bool(a) == to_bool(b);
  if (type == "duration") return to_duration(a) == to_duration(b);
  const auto bare = [](const std::string& text) {
    return text.starts_with('[') && text.ends_with(']') ? text.substr(1, text.size() - 2) : text;
  };
  return bare(a) == bare(b);
}

}  // namespace

FlagSet::Flag& FlagSet::Flag::typed(std::string name) {
  type = std::move(name);
  if (type == "ip") {
    set = [take = std::move(set)](const std::string& text) {
      if (!text.empty() && !api::check_ip(text).empty())
        throw std::invalid_argument(fmt::format("failed to parse IP: \"{}\"", text));
      take(text);
    };
  }
  return *this;
}

FlagSet::FlagSet(std::string program) : program_(std::move(program)) {}

FlagSet::Flag& FlagSet::put(std::string name, std::string type, std::string help) {
  auto flag = std::make_unique<Flag>();
  flag->name = name;
  flag->type = std::move(type);
  flag->help = std::move(help);
  flag->section = section_;
  if (std::ranges::find(sections_, section_) == sections_.end()) sections_.push_back(section_);
  const auto [at, fresh] = flags_.emplace(std::move(name), std::move(flag));
  PH_ASSERT(fresh);
  return *at->second;
}

FlagSet::Flag& FlagSet::add(std::string name, bool& value, std::string help) {
  Flag& flag = put(std::move(name), "bool", std::move(help));
  flag.set = [&value](const std::string& text) { value = to_bool(text); };
  flag.text = [&value] { return std::string(value ? "true" : "false"); };
  flag.default_value = flag.text();
  return flag;
}

FlagSet::Flag& FlagSet::add(std::string name, int& value, std::string help) {
  Flag& flag = put(std::move(name), "int", std::move(help));
  flag.set = [&value](const std::string& text) { value = to_number<int>(text); };
  flag.text = [&value] { return std::to_string(value); };
  flag.default_value = flag.text();
  return flag;
}

FlagSet::Flag& FlagSet::add(std::string name, double& value, std::string help) {
  Flag& flag = put(std::move(name), "float", std::move(help));
  flag.set = [&value](const std::string& text) { value = to_number<double>(text); };
  flag.text = [&value] { return fmt::format("{}", value); };
  flag.default_value = flag.text();
  return flag;
}

FlagSet::Flag& FlagSet::add(std::string name, std::string& value, std::string help) {
  Flag& flag = put(std::move(name), "string", std::move(help));
  flag.set = [&value](const std::string& text) { value = text; };
  flag.text = [&value] { return value; };
  flag.default_value = flag.text();
  return flag;
}

FlagSet::Flag& FlagSet::add(std::string name, Duration& value, std::string help) {
  Flag& flag = put(std::move(name), "duration", std::move(help));
  flag.set = [&value](const std::string& text) { value = to_duration(text); };
  flag.text = [&value] { return api::duration_text(value); };
  flag.default_value = flag.text();
  return flag;
}

FlagSet::Flag& FlagSet::add(std::string name, std::vector<std::string>& value, std::string help) {
  Flag& flag = put(std::move(name), "strings", std::move(help));
  flag.set = [&value, &flag](const std::string& text) {
    if (!flag.given) value.clear();
    for (std::string& item : split(text, ',')) value.push_back(std::move(item));
  };
  flag.text = [&value] { return list_text(value); };
  flag.default_value = flag.text();
  return flag;
}

FlagSet::Flag& FlagSet::add_array(std::string name, std::vector<std::string>& value, std::string help) {
  Flag& flag = add(std::move(name), value, std::move(help)).typed("stringArray");
  flag.set = [&value, &flag](const std::string& text) {
    if (!flag.given) value.clear();
    value.push_back(text);
  };
  return flag;
}

FlagSet::Flag& FlagSet::add(std::string name, std::map<std::string, std::string>& value, std::string help) {
  Flag& flag = put(std::move(name), "mapStringString", std::move(help));
  flag.set = [&value](const std::string& text) {
    for (const std::string& pair : split(text, ',')) {
      const auto mark = pair.find('=');
      if (mark == std::string::npos) throw std::invalid_argument(fmt::format("{} must be formatted as key=value", pair));
      value[pair.substr(0, mark)] = pair.substr(mark + 1);
    }
  };
  flag.text = [&value] { return map_text(value); };
  flag.default_value = flag.text();
  return flag;
}

void FlagSet::add(std::span<const InertFlag> flags) {
  for (const InertFlag& inert : flags) {
    Flag& flag = put(inert.name, inert.type, {});
    flag.default_value = inert.default_value;
    flag.standing = inert.standing;
    flag.why = inert.why;
    auto value = std::make_shared<std::string>(inert.default_value);
    flag.set = [value, &flag](const std::string& text) {
      check_type(flag.type, text);
      if (flag.standing == Standing::Refused && !same_value(flag.type, text, flag.default_value)) {
        throw std::invalid_argument("not supported: " + flag.why);
      }
      *value = text;
    };
    flag.text = [value] { return *value; };
  }
}

FlagSet::Flag& FlagSet::found(std::string_view token, std::string_view name) {
  const auto at = flags_.find(name);
  if (at == flags_.end()) throw FlagError(fmt::format("unknown flag: {}", token));
  return *at->second;
}

void FlagSet::set(Flag& flag, std::string_view token, const std::string& value) {
  try {
    flag.set(value);
  } catch (const std::invalid_argument& error) {
    throw FlagError(fmt::format("invalid argument \"{}\" for \"{}\" flag: {}", value, token, error.what()));
  }
  flag.given = true;
}

FlagSet::Asked FlagSet::parse(std::span<const std::string> args) {
  Asked asked = Asked::Run;
  for (std::size_t i = 0; i < args.size(); ++i) {
    const std::string& arg = args[i];
    if (arg.size() < 2 || arg.front() != '-' || arg == "--") {
      if (words_) {
        if (arg != "--") {
          words_->push_back(arg);
          continue;
        }
        words_->insert(words_->end(), args.begin() + static_cast<std::ptrdiff_t>(i) + 1, args.end());
        break;
      }
      if (arg == "--" && i + 1 == args.size()) break;
      throw FlagError(
          fmt::format("unknown command \"{}\" for \"{}\": it takes flags only", arg == "--" ? args[i + 1] : arg, program_));
    }
    const auto mark = arg.find('=');
    std::string token = arg.substr(0, mark), name;
    std::optional<std::string> value;
    if (mark != std::string::npos) value = arg.substr(mark + 1);
    if (arg.starts_with("--")) {
      name = token.substr(2);
      std::ranges::replace(name, '_', '-');
    } else {
      if (arg[1] == 'h') {
        asked = Asked::Help;
        continue;
      }
      const auto letter = shorthands_.find(arg[1]);
      if (letter == shorthands_.end()) throw FlagError(fmt::format("unknown shorthand flag: '{}' in {}", arg[1], arg));
      name = letter->second;
      token = arg.substr(0, 2);
      // -v4, as -v=4.
      if (arg.size() > 2 && arg[2] != '=') value = arg.substr(2);
    }
    if (name == "help") asked = Asked::Help;
    if (name == "version" && asked == Asked::Run && value.value_or("true") != "false") asked = Asked::Version;
    if (name == "help" || name == "version") continue;
    Flag& flag = found(token, name);
    if (!value && flag.type == "bool") value = "true";
    if (!value && i + 1 < args.size()) value = args[++i];
    if (!value) throw FlagError(fmt::format("flag needs an argument: {}", token));
    set(flag, token, *value);
  }
  return asked;
}

void FlagSet::preset(std::string_view name, const std::string& value) {
  const auto at = flags_.find(name);
  PH_ASSERT(at != flags_.end());
  if (!at->second->given) at->second->set(value);
}

bool FlagSet::given(std::string_view name) const {
  const auto at = flags_.find(name);
  return at != flags_.end() && at->second->given;
}

std::string FlagSet::help() const {
  std::string out = fmt::format("Usage:\n  {}{} [flags]\n", program_, words_usage_.empty() ? "" : " " + words_usage_);
  for (const std::string& section : sections_) {
    out += fmt::format("\n{} flags:\n\n", section);
    for (const auto& [name, flag] : flags_) {
      if (flag->section != section) continue;
      std::string head = fmt::format("      --{} {}", name, flag->type == "bool" ? "" : flag->type);
      for (const auto& [letter, of] : shorthands_) {
        if (of == name) head.replace(0, 6, fmt::format("  -{}, ", letter));
      }
      std::string body = flag->help;
      if (flag->standing == Standing::NoEffect) body = fmt::format("Accepted without effect: {}.", flag->why);
      if (flag->standing == Standing::Refused) body = fmt::format("Only its default is accepted: {}.", flag->why);
      out += fmt::format("{:<55} {}{}\n", head, body, quoted_default(*flag));
    }
  }
  out +=
      "\nGlobal flags:\n\n  -h, --help                                             Shows this\n"
      "      --version                                          Shows the version\n";
  return out;
}

std::vector<const FlagSet::Flag*> FlagSet::flags() const {
  std::vector<const Flag*> out;
  for (const auto& [name, flag] : flags_) out.push_back(flag.get());
  return out;
}

}  // namespace ph::daemon
