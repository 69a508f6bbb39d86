#include "scheduler/foreign/instance.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <exception>
#include <stdexcept>

#include "api/json_text.h"

namespace ph::scheduler::foreign {
namespace {

constexpr std::size_t kWordsMost = 512;

// A place for words, and what stands there after a call.
class Words {
 public:
  ph_words* place() { return &place_; }
  // Empty: nothing was said.
  std::string text() const {
    std::string out(bytes_.data(), std::min(place_.size, bytes_.size()));
    if (api::is_utf8(out)) return out;
    for (char& c : out) {
      if (static_cast<unsigned char>(c) >= 0x80) c = '?';
    }
    return out;
  }

 private:
  std::array<char, kWordsMost> bytes_{};
  ph_words place_{bytes_.data(), bytes_.size(), 0};
};

struct Answer {
  std::int32_t code = PH_FAILED;
  std::string words;
};

// An exception is the other side's failure, and ends here.
template <class F>
Answer ask(F call) {
  Words words;
  try {
    const std::int32_t code = call(words.place());
    return {code, words.text()};
  } catch (const std::exception& error) {
    return {PH_FAILED, fmt::format("an exception has left it: {}", error.what())};
  } catch (...) {
    return {PH_FAILED, "an exception has left it"};
  }
}

std::string words_of(const Answer& answer) {
  if (answer.code != PH_FAILED) return fmt::format("it answered {}, which means nothing here", answer.code);
  return answer.words.empty() ? "it does not say why" : answer.words;
}

}  // namespace

Instance::Instance(const ph_plugin& table, const std::string& name, const std::string& arguments)
    : table_(table), name_(name), node_(table.reads_of_node) {
  if (!table_.create) return;
  const Answer answer = ask([&](ph_words* why) { return table_.create({arguments.data(), arguments.size()}, &self_, why); });
  if (answer.code != PH_YES) throw std::invalid_argument(fmt::format("initializing plugin \"{}\": {}", name_, words_of(answer)));
}

Instance::~Instance() {
  if (!table_.destroy) return;
  ask([&](ph_words*) { return table_.destroy(self_), PH_YES; });
}

const ph_pod& Instance::shown(const CycleState& state, const Pod& pod) {
  if (!pod_ || pod_->info() != state.shared_pod()) pod_.emplace(state.shared_pod(), pod, table_.reads_of_pod);
  return pod_->view();
}

Verdict Instance::filter(const CycleState& state, const Pod& pod, const NodeInfo& node) {
  const ph_pod& of = shown(state, pod);
  const ph_node& on = node_.show(node);
  Answer answer = ask([&](ph_words* why) { return table_.filter(self_, &of, &on, why); });
  if (answer.code == PH_YES) return Verdict::fits();
  if (answer.code != PH_NO && answer.code != PH_NEVER) {
    return Verdict::error(fmt::format("running \"{}\" filter plugin: {}", name_, words_of(answer)));
  }
  if (answer.words.empty()) answer.words = fmt::format("node(s) didn't satisfy plugin {}", name_);
  return Verdict::owning(answer.code == PH_NO ? Code::Unschedulable : Code::UnschedulableAndUnresolvable,
                         std::move(answer.words));
}

Score Instance::score(const CycleState& state, const Pod& pod, const NodeInfo& node) {
  const ph_pod& of = shown(state, pod);
  const ph_node& on = node_.show(node);
  std::int64_t score = 0;
  const Answer answer = ask([&](ph_words* why) { return table_.score(self_, &of, &on, &score, why); });
  if (answer.code != PH_YES) throw std::runtime_error(fmt::format("plugin \"{}\" failed with: {}", name_, words_of(answer)));
  if (score > PH_SCORE_MOST || score < -PH_SCORE_MOST) {
    throw std::runtime_error(fmt::format("plugin \"{}\" failed with: its score {} is beyond {}", name_, score, PH_SCORE_MOST));
  }
  return score;
}

}  // namespace ph::scheduler::foreign
