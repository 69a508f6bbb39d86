#include "apiserver/authz/cover.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace ph::apiserver {

using rbac::v1::PolicyRule;

namespace {

using Texts = google::protobuf::RepeatedPtrField<std::string>;

// A set of held rules, one bit each.
using Bits = std::vector<std::uint64_t>;

void set(Bits& bits, std::size_t at) { bits[at / 64] |= std::uint64_t{1} << (at % 64); }
void meet(Bits& into, const Bits& other) {
  for (std::size_t i = 0; i < into.size(); ++i) into[i] &= other[i];
}
bool overlap(const Bits& a, const Bits& b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] & b[i]) return true;
  }
  return false;
}
bool none(const Bits& bits) {
  return std::ranges::all_of(bits, [](std::uint64_t word) { return word == 0; });
}

class OutOfWork {};

// Counts steps, and ends the work at its limit.
class Meter {
 public:
  explicit Meter(std::size_t limit) : limit_(limit) {}
  void spend(std::size_t steps) {
    spent_ += steps;
    if (spent_ > limit_) throw OutOfWork();
  }
  std::size_t spent() const { return spent_; }

 private:
  const std::size_t limit_;
  std::size_t spent_ = 0;
};

// Who holds a value of one list of a rule.
class Holders {
 public:
  explicit Holders(std::size_t rules) : everywhere_(Bits((rules + 63) / 64)) {}

  void add(std::string_view value, std::size_t rule) { by_value_[value].push_back(rule); }
  void add_to_all(std::size_t rule) { set(everywhere_, rule); }

  // The rules that hold all values.
  const Bits& everywhere() const { return everywhere_; }
  // Adds those that hold this one by name. False: there are none.
  bool add_named(Bits& to, std::string_view value, Meter& meter) const {
    const auto found = by_value_.find(value);
    if (found == by_value_.end()) return false;
    meter.spend(found->second.size());
    for (const std::size_t rule : found->second) set(to, rule);
    return true;
  }

 private:
  Bits everywhere_;
  std::unordered_map<std::string_view, std::vector<std::size_t>> by_value_;
};

// Patterns of paths that end in a star, by what stands before it: those that a path begins with are found in one walk.
class Prefixes {
 public:
  void add(std::string_view prefix, std::size_t rule) { all_.emplace_back(prefix, rule); }
  void sort() { std::ranges::sort(all_); }

  bool add_matching(Bits& to, std::string_view path, Meter& meter) const {
    bool any = false;
    auto from = all_.begin(), until = all_.end();
    for (std::size_t depth = 0; from != until; ++depth) {
      meter.spend(1);
      for (; from != until && from->first.size() == depth; ++from, any = true) set(to, from->second);
      if (depth == path.size()) break;
      const auto at_depth = [depth](const Entry& entry) { return static_cast<unsigned char>(entry.first[depth]); };
      const auto same = std::ranges::equal_range(from, until, static_cast<unsigned char>(path[depth]), {}, at_depth);
      from = same.begin(), until = same.end();
    }
    return any;
  }

 private:
  using Entry = std::pair<std::string_view, std::size_t>;
  std::vector<Entry> all_;
};

// The held rules as the wanted ones ask for them.
class Held {
 public:
  explicit Held(std::span<const PolicyRule> rules)
      : verbs(rules.size()), groups(rules.size()), resources(rules.size()), names(rules.size()), paths(rules.size()) {
    for (std::size_t i = 0; i < rules.size(); ++i) {
      add(verbs, rules[i].verbs(), i);
      add(groups, rules[i].api_groups(), i);
      add(resources, rules[i].resources(), i);
      if (rules[i].resource_names().empty()) names.add_to_all(i);
      for (const std::string& name : rules[i].resource_names()) names.add(name, i);
      for (std::string_view path : rules[i].non_resource_urls()) {
        paths.add(path, i);
        if (!path.ends_with('*')) continue;
        prefixes.add(path.substr(0, path.find_last_not_of('*') + 1), i);
      }
    }
    prefixes.sort();
  }

  Holders verbs, groups, resources, names, paths;
  Prefixes prefixes;

 private:
  static void add(Holders& to, const Texts& values, std::size_t rule) {
    for (const std::string& value : values) {
      if (value == "*") to.add_to_all(rule);
      else to.add(value, rule);
    }
  }
};

// One list of a wanted rule. Values that the same rules hold are one class.
struct Dimension {
  struct Class {
    Bits holders;
    std::vector<std::uint32_t> values;
  };
  std::vector<Class> classes;
  Bits whole;  // the rules that hold all values
  std::uint32_t size = 0;
};

// `named` adds to the bits whoever holds a value by its name; false: nobody does.
template <class Named>
Dimension dimension(const Texts& values, const Holders& holders, Meter& meter, const Named& named) {
  Dimension out;
  out.size = static_cast<std::uint32_t>(values.size());
  out.whole = Bits(holders.everywhere().size(), ~std::uint64_t{0});
  std::map<Bits, std::size_t> known;
  std::optional<std::size_t> unnamed;  // the class of those that nobody names, which may be most
  Bits bits;
  for (std::uint32_t i = 0; i < out.size; ++i) {
    meter.spend(1);
    bits = holders.everywhere();
    const bool is_named = named(bits, values[static_cast<int>(i)]);
    std::size_t at = 0;
    if (!is_named && unnamed) {
      at = *unnamed;
    } else {
      meter.spend(bits.size());
      const auto [found, is_new] = known.emplace(bits, out.classes.size());
      at = found->second;
      if (is_new) {
        meter.spend(8 * bits.size());  // it stays, twice
        meet(out.whole, bits);
        out.classes.push_back({bits, {}});
      }
      if (!is_named) unnamed = at;
    }
    out.classes[at].values.push_back(i);
  }
  return out;
}

// A rule without names is for all of them: for that it takes a rule without names.
Dimension all_names(const Held& held) {
  return {.classes = {{held.names.everywhere(), {0}}}, .whole = held.names.everywhere(), .size = 1};
}

Dimension names_of(const PolicyRule& rule, const Held& held, Meter& meter) {
  if (!rule.resource_names().empty()) {
    return dimension(rule.resource_names(), held.names, meter,
                     [&](Bits& bits, const std::string& name) { return held.names.add_named(bits, name, meter); });
  }
  return all_names(held);
}

Dimension verbs_of(const PolicyRule& rule, const Held& held, Meter& meter) {
  return dimension(rule.verbs(), held.verbs, meter,
                   [&](Bits& bits, const std::string& verb) { return held.verbs.add_named(bits, verb, meter); });
}

Dimension groups_of(const PolicyRule& rule, const Held& held, Meter& meter) {
  return dimension(rule.api_groups(), held.groups, meter,
                   [&](Bits& bits, const std::string& group) { return held.groups.add_named(bits, group, meter); });
}

// "pods/log" is held by name, and as "*/log".
Dimension resources_of(const PolicyRule& rule, const Held& held, Meter& meter) {
  return dimension(rule.resources(), held.resources, meter, [&](Bits& bits, const std::string& resource) {
    const bool whole = held.resources.add_named(bits, resource, meter);
    const auto slash = resource.find('/');
    return (slash != std::string::npos && held.resources.add_named(bits, "*" + resource.substr(slash), meter)) || whole;
  });
}

Dimension paths_of(const PolicyRule& rule, const Held& held, Meter& meter) {
  return dimension(rule.non_resource_urls(), held.paths, meter, [&](Bits& bits, const std::string& path) {
    const bool exact = held.paths.add_named(bits, path, meter);
    return held.prefixes.add_matching(bits, path, meter) || exact;
  });
}

// Which value of each list; the product's element.
template <std::size_t N>
using Element = std::array<std::uint32_t, N>;

// Walks the product class by class, and stops wherever one rule holds all that is left, or none holds any of it.
template <std::size_t N>
class Walk {
 public:
  Walk(const std::array<Dimension, N>& dimensions, Meter& meter, std::size_t most)
      : dimensions_(dimensions), meter_(meter), most_(most) {
    rest_[N] = Bits(dimensions[0].whole.size(), ~std::uint64_t{0});
    for (std::size_t i = N; i-- > 0;) {
      rest_[i] = dimensions[i].whole;
      meet(rest_[i], rest_[i + 1]);
    }
  }

  void run() {
    if (std::ranges::any_of(dimensions_, [](const Dimension& each) { return each.size == 0; })) return;
    descend(0, rest_[N]);
  }

  std::vector<Element<N>> missing;
  bool complete = true, all_told = true;

 private:
  void descend(std::size_t at, const Bits& alive) {
    if (!all_told) return;
    meter_.spend(alive.size() + 1);
    if (overlap(alive, rest_[at])) return;
    if (none(alive)) {
      complete = false;
      Element<N> element{};
      return tell(0, at, element);
    }
    Bits next;
    for (const Dimension::Class& each : dimensions_[at].classes) {
      next = alive;
      meet(next, each.holders);
      chosen_[at] = &each;
      descend(at + 1, next);
    }
  }

  // All elements of the chosen classes, of which there are `known`, and of all values in what follows.
  void tell(std::size_t at, std::size_t known, Element<N>& element) {
    if (!all_told) return;
    if (at == N) {
      if (missing.size() >= most_) all_told = false;
      else missing.push_back(element);
      return;
    }
    const auto& values = at < known ? chosen_[at]->values : all_values(at);
    for (const std::uint32_t value : values) {
      element[at] = value;
      tell(at + 1, known, element);
    }
  }

  const std::vector<std::uint32_t>& all_values(std::size_t at) {
    auto& all = all_[at];
    for (auto i = static_cast<std::uint32_t>(all.size()); i < dimensions_[at].size; ++i) all.push_back(i);
    return all;
  }

  const std::array<Dimension, N>& dimensions_;
  Meter& meter_;
  const std::size_t most_;
  std::array<Bits, N + 1> rest_;  // the rules that hold all of the lists from here on
  std::array<const Dimension::Class*, N> chosen_{};
  std::array<std::vector<std::uint32_t>, N> all_;
};

template <std::size_t N, class Make>
void judge(const std::array<Dimension, N>& dimensions, Meter& meter, std::size_t most, Coverage& out, const Make& make) {
  Walk<N> walk(dimensions, meter, most - out.missing.size());
  walk.run();
  out.complete &= walk.complete;
  out.all_told &= walk.all_told;
  std::ranges::sort(walk.missing);
  for (const Element<N>& element : walk.missing) make(out.missing.emplace_back(), element);
}

void judge_rule(const PolicyRule& rule, const Held& held, Meter& meter, std::size_t most, Coverage& out) {
  const auto at = [](const Texts& list, std::uint32_t i) { return list[static_cast<int>(i)]; };
  if (!rule.resources().empty() && !rule.api_groups().empty()) {
    judge(std::array{groups_of(rule, held, meter), resources_of(rule, held, meter), verbs_of(rule, held, meter),
                     names_of(rule, held, meter)},
          meter, most, out, [&](PolicyRule& one, const Element<4>& element) {
            one.add_api_groups(at(rule.api_groups(), element[0]));
            one.add_resources(at(rule.resources(), element[1]));
            one.add_verbs(at(rule.verbs(), element[2]));
            if (!rule.resource_names().empty()) one.add_resource_names(at(rule.resource_names(), element[3]));
          });
  }
  if (!rule.non_resource_urls().empty()) {
    // A rule for some names gives no paths.
    judge(std::array{paths_of(rule, held, meter), verbs_of(rule, held, meter), all_names(held)}, meter, most, out,
          [&](PolicyRule& one, const Element<3>& element) {
            one.add_non_resource_urls(at(rule.non_resource_urls(), element[0]));
            one.add_verbs(at(rule.verbs(), element[1]));
          });
  }
}

}  // namespace

Coverage rules_cover(std::span<const PolicyRule> held, std::span<const PolicyRule> wanted, const CoverLimits& limits) {
  Coverage out;
  const Held holders(held);
  Meter meter(limits.work);
  try {
    for (const PolicyRule& rule : wanted) {
      if (!out.all_told) break;
      judge_rule(rule, holders, meter, limits.missing, out);
    }
  } catch (const OutOfWork&) {
    out.complete = out.all_told = false;
  }
  out.work = meter.spent();
  return out;
}

}  // namespace ph::apiserver
