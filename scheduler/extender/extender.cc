#include "scheduler/extender/extender.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>

#include "api/codec.h"
#include "base/within.h"
#include "scheduler/extender/wire.h"

namespace ph::scheduler {

using core::v1::Container, core::v1::Pod;

namespace {

constexpr Score kMaxExtenderPriority = 10;
constexpr std::size_t kNodesPerTurn = 100;  // written before others get their turn

template <class T>
T read_answer(T (*read)(std::string_view), const std::string& text) {
  try {
    return read(text);
  } catch (const api::DecodeError& error) {
    throw ExtenderError(error.what());
  }
}

}  // namespace

std::string ExtenderSpec::url(const std::string& verb) const {
  std::string out = url_prefix;
  while (out.ends_with('/')) out.pop_back();
  return out + "/" + verb;
}

Extender::Extender(ExtenderSpec spec, std::unique_ptr<Transport> transport)
    : spec_(std::move(spec)), transport_(std::move(transport)) {}

bool Extender::interested(const Pod& pod) const {
  if (spec_.managed_resources.empty()) return true;
  const auto asks = [&](const Container& container) {
    return std::ranges::any_of(spec_.managed_resources, [&](const ManagedResource& resource) {
      return container.resources().requests().contains(resource.name) || container.resources().limits().contains(resource.name);
    });
  };
  return std::ranges::any_of(pod.spec().containers(), asks) || std::ranges::any_of(pod.spec().init_containers(), asks);
}

// -- Questions and answers

Task<std::string> Extender::args(PendingPod pod, std::vector<NodeRef> nodes) const {
  ExtenderArgsWriter writer(*pod, spec_.node_cache_capable);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (i % kNodesPerTurn == kNodesPerTurn - 1) co_await yield();
    writer.add(*nodes[i]);
  }
  co_return std::move(writer).finish();
}

Task<std::string> Extender::ask(std::string verb, std::string body) {
  const std::string url = spec_.url(verb);
  const std::size_t most = kExtenderAnswerBytes + kExtenderAnswerPerQuestion * body.size();
  HttpRequest request{.method = "POST", .target = "/" + verb};
  request.headers.add("Content-Type", "application/json");
  request.body = std::move(body);
  std::optional<HttpResponse> response;
  try {
    response = co_await within(spec_.http_timeout, transport_->send(std::move(request), false));
  } catch (const TransportError& error) {
    throw ExtenderError(fmt::format("Post \"{}\": {}", url, error.what()));
  }
  if (!response) {
    throw ExtenderError(
        fmt::format("Post \"{}\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)", url));
  }
  if (response->status != 200) {
    throw ExtenderError(fmt::format("failed {} with extender at URL {}, code {}", verb, url, response->status));
  }
  std::string text;
  for (const SharedBytes& piece : response->body) {
    if (text.size() + piece->size() > most) {
      throw ExtenderError(fmt::format("Post \"{}\": the answer is larger than {} bytes", url, most));
    }
    text += *piece;
  }
  co_return text;
}

Task<Extender::Filtered> Extender::filter(PendingPod pod, std::vector<NodeRef> nodes) {
  const std::string text = co_await ask(spec_.filter_verb, co_await args(pod, nodes));
  ExtenderFilterResult result = read_answer(read_extender_filter_result, text);
  if (!result.error.empty()) throw ExtenderError(result.error);

  Filtered out{
      .nodes = {}, .failed = std::move(result.failed_nodes), .unresolvable = std::move(result.failed_and_unresolvable_nodes)};
  const bool by_name = spec_.node_cache_capable && result.node_names;
  const auto& names = by_name ? result.node_names : result.nodes;
  if (!names) co_return out;
  std::map<std::string_view, NodeRef> asked;
  for (const NodeRef& node : nodes) asked.emplace(node->metadata().name(), node);
  std::set<std::string_view> seen;
  for (const std::string& name : *names) {
    const auto found = asked.find(name);
    if (found == asked.end()) {
      throw ExtenderError(fmt::format("extender \"{}\" claims a filtered node \"{}\" which is not found in the input node list",
                                      spec_.url_prefix, name));
    }
    if (seen.insert(name).second) out.nodes.push_back(found->second);
  }
  co_return out;
}

Task<Extender::Scores> Extender::prioritize(PendingPod pod, std::vector<NodeRef> nodes) {
  const std::string text = co_await ask(spec_.prioritize_verb, co_await args(pod, std::move(nodes)));
  Scores out;
  for (const HostPriority& priority : read_answer(read_host_priorities, text)) {
    const Score weighted = multiply_scores(multiply_scores(priority.score, spec_.weight), kMaxNodeScore / kMaxExtenderPriority);
    Score& sum = out[priority.host];
    sum = add_scores(sum, weighted);
  }
  co_return out;
}

Task<void> Extender::bind(PendingPod pod, std::string node) {
  const std::string text = co_await ask(spec_.bind_verb, extender_binding_args(*pod, node));
  if (const std::string error = read_answer(read_extender_binding_result, text); !error.empty()) {
    throw ExtenderError(error);
  }
}

std::unique_ptr<Transport> unreachable_transport(std::string why) {
  class Unreachable final : public Transport {
   public:
    explicit Unreachable(std::string why) : why_(std::move(why)) {}
    Task<HttpResponse> send(HttpRequest, bool) override {
      throw TransportError(why_);
      co_return HttpResponse();
    }

   private:
    const std::string why_;
  };
  return std::make_unique<Unreachable>(std::move(why));
}

// -- Scores

Score add_scores(Score a, Score b) {
  Score out = 0;
  if (!__builtin_add_overflow(a, b, &out)) return out;
  return a > 0 ? std::numeric_limits<Score>::max() : std::numeric_limits<Score>::min();
}

Score multiply_scores(Score a, Score b) {
  Score out = 0;
  if (!__builtin_mul_overflow(a, b, &out)) return out;
  return (a > 0) == (b > 0) ? std::numeric_limits<Score>::max() : std::numeric_limits<Score>::min();
}

}  // namespace ph::scheduler
