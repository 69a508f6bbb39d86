#include "tests/vectors/match.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <regex>
#include <set>

#include <fmt/format.h>

namespace ph::vectors {
namespace {

// Which characters a placeholder may stand for, and how many.
struct Form {
  std::string_view name;
  std::string_view others;  // besides letters and digits
  std::size_t least, most;
  bool numbered;
};

constexpr std::size_t kAny = 1u << 20;
constexpr std::string_view kAnything = "*";
constexpr Form kForms[] = {
    {"uid", "-", 36, 36, true},
    {"rv", "", 1, 20, true},
    {"ip", ".:", 2, 45, true},
    {"nodePort", "", 1, 5, true},
    {"continue", "-_=", 1, kAny, true},
    {"jwt", "-_.", 1, kAny, true},
    {"time", "-:.+", 20, 35, false},
    {"any-uid", "-", 36, 36, false},
    {"any-rv", "", 1, 20, false},
    {"rand", "", 5, 5, false},
    {"age", "", 2, 12, false},
    {"n", "-", 1, 20, false},
    {"ptr", "", 3, 20, false},
    {"hash", "", 1, 128, false},
    {"value", kAnything, 0, kAny, false},
    {"dump", kAnything, 0, kAny, false},
    {"object", kAnything, 0, kAny, false},
    {"masked", kAnything, 0, kAny, false},
    {"varies", kAnything, 0, kAny, false},
    {"conflicts", kAnything, 0, kAny, false},
};

bool admits(const Form& form, char c) {
  return form.others == kAnything || std::isalnum(static_cast<unsigned char>(c)) || form.others.find(c) != std::string_view::npos;
}

struct Placeholder {
  const Form* form;
  std::string_view text;  // with its brackets
};

// The placeholder `text` begins with.
std::optional<Placeholder> placeholder_at(std::string_view text) {
  if (!text.starts_with('<')) return std::nullopt;
  const std::size_t end = text.find('>');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view inside = text.substr(1, end - 1);
  const std::size_t colon = inside.find(':');
  const auto form = std::ranges::find(kForms, inside.substr(0, colon), &Form::name);
  if (form == std::end(kForms) || form->numbered != (colon != std::string_view::npos)) return std::nullopt;
  return Placeholder{form, text.substr(0, end + 1)};
}

std::size_t next_placeholder(std::string_view text) {
  for (std::size_t at = text.find('<'); at != std::string_view::npos; at = text.find('<', at + 1)) {
    if (placeholder_at(text.substr(at))) return at;
  }
  return std::string_view::npos;
}

std::string_view kind_of(std::string_view placeholder) { return placeholder.substr(1, placeholder.find(':') - 1); }

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) || std::string_view("-_.~").find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

bool is_time(std::string_view text) {
  static const std::regex form(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d))");
  return std::regex_match(text.begin(), text.end(), form);
}

bool match_from(std::string_view recorded, std::string_view got, Bindings& bindings);

// The placeholder stands for the first `size` characters.
bool match_with(const Placeholder& placeholder, std::size_t size, std::string_view rest, std::string_view got,
                Bindings& bindings) {
  const std::string_view value = got.substr(0, size);
  if (placeholder.form->name == "time" && !is_time(value)) return false;
  if (!placeholder.form->numbered) return match_from(rest, got.substr(size), bindings);
  if (!bindings.bind(placeholder.text, value)) return false;
  if (match_from(rest, got.substr(size), bindings)) return true;
  bindings.forget(placeholder.text);
  return false;
}

bool match_from(std::string_view recorded, std::string_view got, Bindings& bindings) {
  const std::size_t at = next_placeholder(recorded);
  if (at == std::string_view::npos) return recorded == got;
  if (recorded.substr(0, at) != got.substr(0, at)) return false;
  got.remove_prefix(at);
  const Placeholder placeholder = *placeholder_at(recorded.substr(at));
  const std::string_view rest = recorded.substr(at + placeholder.text.size());
  if (const std::string* known = bindings.find(placeholder.text)) {
    return got.starts_with(*known) && match_from(rest, got.substr(known->size()), bindings);
  }
  std::size_t most = 0;
  while (most < std::min(got.size(), placeholder.form->most) && admits(*placeholder.form, got[most])) ++most;
  if (rest.empty())
    return most == got.size() && most >= placeholder.form->least && match_with(placeholder, most, rest, got, bindings);
  for (std::size_t size = most + 1; size-- > placeholder.form->least;) {
    if (match_with(placeholder, size, rest, got, bindings)) return true;
  }
  return false;
}

std::string text_of(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

bool is_scalar_match(const Json& recorded, const Json& got, Bindings& bindings) {
  if (!recorded.is_string()) return recorded == got;
  const auto& text = recorded.get_ref<const std::string&>();
  if (next_placeholder(text) == std::string::npos) return recorded == got;
  if (got.is_string() || got.is_number()) return matches_text(text, text_of(got), bindings);
  // Whole values may be masked.
  const auto whole = placeholder_at(text);
  return whole && whole->text.size() == text.size() && whole->form->others == kAnything;
}

// Long texts are shown from a little before their first difference.
std::size_t where_to_begin(const std::string& a, const std::string& b) {
  const std::size_t same = static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
  if (std::max(a.size(), b.size()) <= 200 || same <= 60) return 0;
  std::size_t from = same - 40;
  while (from > 0 && (static_cast<unsigned char>(a[from]) & 0xc0) == 0x80) --from;  // not within a character
  return from;
}

std::string from_there(const std::string& text, std::size_t from) { return (from > 0 ? "…" : "") + shortened(text.substr(from)); }

// Goes through both; stops at the first difference unless `out` collects them.
bool walk(const Json& recorded, const Json& got, Bindings& bindings, const std::string& path, std::string* out) {
  const auto differ = [&](const std::string& where, const std::string& recorded_text, const std::string& got_text) {
    if (!out) return false;
    const std::size_t from = where_to_begin(recorded_text, got_text);
    *out += fmt::format("{}: recorded {}, got {}\n", where.empty() ? "." : where, from_there(recorded_text, from),
                        from_there(got_text, from));
    return false;
  };
  bool same = true;
  if (recorded.is_object() && got.is_object()) {
    std::set<std::string> names;
    for (const auto& [name, value] : recorded.items()) names.insert(name);
    for (const auto& [name, value] : got.items()) names.insert(name);
    for (const std::string& name : names) {
      const std::string where = path.empty() ? name : path + "." + name;
      const auto expected = recorded.find(name), found = got.find(name);
      if (expected == recorded.end()) {
        same = differ(where, "nothing", text_of(*found));
      } else if (found == got.end()) {
        same = differ(where, text_of(*expected), "nothing");
      } else if (!walk(*expected, *found, bindings, where, out)) {
        same = false;
      }
      if (!same && !out) return false;
    }
    return same;
  }
  if (recorded.is_array() && got.is_array()) {
    for (std::size_t i = 0; i < std::min(recorded.size(), got.size()); ++i) {
      if (!walk(recorded[i], got[i], bindings, fmt::format("{}[{}]", path, i), out)) same = false;
      if (!same && !out) return false;
    }
    if (recorded.size() != got.size()) {
      const Json& longer = recorded.size() > got.size() ? recorded : got;
      const std::string more = text_of(longer[std::min(recorded.size(), got.size())]);
      same = differ(fmt::format("{}[{}]", path, std::min(recorded.size(), got.size())),
                    recorded.size() > got.size() ? more : "nothing", recorded.size() > got.size() ? "nothing" : more);
    }
    return same;
  }
  if (is_scalar_match(recorded, got, bindings)) return true;
  return differ(path, text_of(recorded), text_of(got));
}

}  // namespace

const std::string* Bindings::find(std::string_view placeholder) const {
  const auto found = values_.find(placeholder);
  return found == values_.end() ? nullptr : &found->second;
}

bool Bindings::bind(std::string_view placeholder, std::string_view value) {
  for (const auto& [other, taken] : values_) {
    if (taken == value && kind_of(other) == kind_of(placeholder)) return other == placeholder;
  }
  values_[std::string(placeholder)] = value;
  return true;
}

void Bindings::forget(std::string_view placeholder) {
  if (const auto found = values_.find(placeholder); found != values_.end()) values_.erase(found);
}

std::string Bindings::fill(std::string text, bool in_path) const {
  for (std::size_t at = next_placeholder(text); at != std::string::npos;) {
    const auto placeholder = placeholder_at(std::string_view(text).substr(at));
    const std::string* value = find(placeholder->text);
    const std::size_t size = placeholder->text.size();
    std::string filled = value ? *value : std::string(placeholder->text);
    if (in_path) filled = percent_encoded(filled);
    text.replace(at, size, filled);
    const std::size_t next = next_placeholder(std::string_view(text).substr(at + filled.size()));
    at = next == std::string::npos ? next : at + filled.size() + next;
  }
  return text;
}

Json Bindings::fill(Json document) const {
  if (document.is_string()) {
    const auto& text = document.get_ref<const std::string&>();
    const bool number = text.starts_with("<nodePort:") && find(text);
    return number ? Json::parse(*find(text)) : Json(fill(text));
  }
  if (document.is_structured()) {
    for (Json& each : document) each = fill(std::move(each));
  }
  return document;
}

bool matches_text(std::string_view recorded, std::string_view got, Bindings& bindings) {
  return match_from(recorded, got, bindings);
}

bool matches(const Json& recorded, const Json& got, Bindings& bindings) { return walk(recorded, got, bindings, {}, nullptr); }

std::string differences(const Json& recorded, const Json& got, Bindings& bindings) {
  std::string out;
  walk(recorded, got, bindings, {}, &out);
  return out;
}

std::string kind_of_difference(const std::string& differences) {
  const std::string line = differences.substr(0, differences.find('\n'));
  const std::string path = line.substr(0, line.find(": recorded "));
  const bool missing = line.ends_with(", got nothing"), extra = line.find(": recorded nothing, ") != std::string::npos;
  return std::regex_replace(path, std::regex(R"(\[\d+\])"), "[]") + (missing ? " is missing"
                                                                     : extra ? " is too much"
                                                                             : " differs");
}

std::string shortened(std::string text, std::size_t most) {
  if (text.size() <= most) return text;
  text.resize(most);
  return text + "…";
}

}  // namespace ph::vectors
