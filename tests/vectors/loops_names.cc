#include "tests/vectors/loops_names.h"

#include <algorithm>
#include <cctype>

namespace ph::vectors {
namespace {

bool is_of_name(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.'; }

struct Token {
  std::size_t begin, end;
};

// The next "prefix{digits}" at or after `from`.
std::optional<Token> next_token(const std::string& text, std::size_t from) {
  for (std::size_t open = text.find('{', from); open != std::string::npos; open = text.find('{', open + 1)) {
    std::size_t end = open + 1;
    while (end < text.size() && std::isdigit(static_cast<unsigned char>(text[end]))) ++end;
    if (end == open + 1 || end >= text.size() || text[end] != '}') continue;
    std::size_t begin = open;
    while (begin > from && is_of_name(text[begin - 1])) --begin;
    if (begin == open) continue;
    return Token{begin, end + 1};
  }
  return std::nullopt;
}

std::string prefix_of(const std::string& recorded) { return recorded.substr(0, recorded.find('{')); }

void replace_name(std::string& text, const std::string& name, const std::string& by) {
  for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name, at)) {
    const bool begins = at == 0 || !is_of_name(text[at - 1]);
    text.replace(at, begins ? name.size() : 0, begins ? by : "");
    at += begins ? by.size() : name.size();
  }
}

}  // namespace

std::vector<std::string> generated_names_in(const std::string& text) {
  std::vector<std::string> out;
  for (auto token = next_token(text, 0); token; token = next_token(text, token->end)) {
    out.push_back(text.substr(token->begin, token->end - token->begin));
  }
  return out;
}

void GeneratedNames::meet_recorded(const std::string& name) {
  if (!known_.emplace(name, prefix_of(name)).second) return;
  Group& group = new_[prefix_of(name)];
  group.prefix = prefix_of(name);
  group.recorded.push_back(name);
}

void GeneratedNames::meet_got(const std::string& name, const std::string& prefix) {
  if (!known_.emplace(name, prefix).second) return;
  Group& group = new_[prefix];
  group.prefix = prefix;
  group.got.push_back(name);
}

void GeneratedNames::end_step() {
  for (auto& [prefix, group] : new_) groups_.push_back(std::move(group));
  new_.clear();
  bind_single();
}

void GeneratedNames::bind_single() {
  std::erase_if(groups_, [&](const Group& group) {
    if (group.recorded.size() == 1 && group.got.size() == 1) decided_[group.recorded[0]] = group.got[0];
    return group.recorded.size() <= 1 && group.got.size() <= 1;
  });
}

bool GeneratedNames::is_taken(const std::string& got) const {
  return std::ranges::any_of(decided_, [&](const auto& pair) { return pair.second == got; });
}

std::string GeneratedNames::counterpart(const std::string& recorded) const {
  const auto found = decided_.find(recorded);
  return found == decided_.end() ? std::string() : found->second;
}

std::string GeneratedNames::take(const std::string& recorded) {
  if (decided_.contains(recorded)) return decided_[recorded];
  for (const Group& group : groups_) {
    if (std::ranges::find(group.recorded, recorded) == group.recorded.end()) continue;
    const auto got = std::ranges::find_if(group.got, [&](const std::string& name) { return !is_taken(name); });
    if (got != group.got.end()) return decided_[recorded] = *got;
  }
  return {};
}

std::string GeneratedNames::recorded_text(const std::string& text) const {
  std::string out;
  std::size_t at = 0;
  for (auto token = next_token(text, 0); token; token = next_token(text, token->end)) {
    out += text.substr(at, token->begin - at);
    const std::string name = text.substr(token->begin, token->end - token->begin);
    const auto found = decided_.find(name);
    out += found != decided_.end() ? found->second : prefix_of(name) + "{?}";
    at = token->end;
  }
  return out + text.substr(at);
}

std::string GeneratedNames::got_text(const std::string& text) const {
  std::string out = text;
  const auto hide = [&](const Group& group) {
    for (const std::string& name : group.got) {
      if (!is_taken(name)) replace_name(out, name, group.prefix + "{?}");
    }
  };
  for (const Group& group : groups_) hide(group);
  for (const auto& [prefix, group] : new_) hide(group);
  return out;
}

void GeneratedNames::decide(const std::function<bool(const std::string&, const std::string&)>& same,
                            const std::function<bool(const std::string&, const std::string&)>& twins) {
  std::vector<Group> out;
  for (Group& group : groups_) {
    // What is taken stays, where it can.
    std::map<std::string, std::string> pairs;
    std::vector<std::string> free = group.got;
    for (const std::string& recorded : group.recorded) {
      const std::string got = counterpart(recorded);
      if (got.empty() || !same(recorded, got)) continue;
      pairs[recorded] = got;
      std::erase(free, got);
    }
    for (const std::string& recorded : group.recorded) {
      if (pairs.contains(recorded)) continue;
      const auto got = std::ranges::find_if(free, [&](const std::string& name) { return same(recorded, name); });
      if (got == free.end()) continue;
      pairs[recorded] = *got;
      free.erase(got);
    }
    if (pairs.size() < group.recorded.size() || !free.empty()) {  // something is wrong with them: left as they are, to be shown
      out.push_back(std::move(group));
      continue;
    }
    std::vector<Group> parts;
    for (const std::string& recorded : group.recorded) {
      auto part = std::ranges::find_if(parts, [&](const Group& each) { return twins(each.recorded[0], recorded); });
      if (part == parts.end()) part = parts.insert(parts.end(), Group{group.prefix, {}, {}});
      part->recorded.push_back(recorded);
      part->got.push_back(pairs[recorded]);
    }
    for (const std::string& recorded : group.recorded) {
      if (decided_.contains(recorded)) decided_[recorded] = pairs[recorded];
    }
    std::ranges::move(parts, std::back_inserter(out));
  }
  groups_ = std::move(out);
  bind_single();
}

}  // namespace ph::vectors
