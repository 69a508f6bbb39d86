#include "apiserver/maintenance/store_paths.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/errors.h"
#include "api/json_text.h"
#include "api/times.h"
#include "apiserver/maintenance/store_counts.h"
#include "apiserver/storage/snapshot.h"
#include "base/sync.h"

namespace ph::apiserver {
namespace {

// So much is read from the store in one turn of the server.
constexpr std::size_t kTurnBytes = 128 << 10;

class SnapshotStream final : public BodyStream {
 public:
  SnapshotStream(std::unique_ptr<StoreView> view, Time now) : view_(std::move(view)), now_(now) {}

  Task<std::optional<SharedBytes>> next() override {
    co_await yield();
    if (ended_) co_return std::nullopt;
    std::string piece;
    if (!std::exchange(begun_, true)) piece = encoder_.begin(view_->revision(), now_);
    while (piece.size() < kTurnBytes) {
      const auto item = view_->next();
      if (!item) {
        piece += encoder_.end();
        ended_ = true;
        view_.reset();
        break;
      }
      piece += encoder_.value(item->key, item->created, item->value);
    }
    co_return share(std::move(piece));
  }

 private:
  std::unique_ptr<StoreView> view_;
  const Time now_;
  SnapshotEncoder encoder_;
  bool begun_ = false;
  bool ended_ = false;
};

Task<StoreCounts> count(StoreView& view) {
  StoreCounts counts;
  std::size_t turn = 0;
  while (const auto item = view.next()) {
    counts.add(item->key, item->value.size());
    turn += item->value.size();
    if (turn < kTurnBytes) continue;
    turn = 0;
    co_await yield();
  }
  co_return counts;
}

std::string status_json(const StoreView& view, const StoreCounts& counts) {
  const auto begins = view.history_begins();
  std::string out = fmt::format(R"({{"revision":{},"history":{{"since":{},"begins":{}}},"objects":{{)", view.revision().value,
                                view.history_since().value, begins ? '"' + api::rfc3339(*begins) + '"' : "null");
  bool first = true;
  for (const auto& [resource, count] : counts.resources) {
    if (!std::exchange(first, false)) out += ',';
    api::append_json_string(resource, out);
    out += fmt::format(R"(:{{"count":{},"bytes":{}}})", count.objects, count.bytes);
  }
  return out + "}}\n";
}

class StorePaths final : public PathHandler {
 public:
  StorePaths(Store& store, const Clock& clock) : store_(store), clock_(clock) {}

  Task<std::optional<HttpResponse>> try_handle(const HttpRequest& request, const Identity& user) override {
    const bool status = request.path() == "/pilothouse/status";
    if (!status && request.path() != "/pilothouse/snapshot") co_return std::nullopt;
    if (request.method != "GET") throw api::method_not_allowed("", request.method);
    if (std::ranges::find(user.groups, "system:masters") == user.groups.end()) {
      throw api::forbidden(
          "", "",
          fmt::format("User \"{}\" cannot get path \"{}\": only the group system:masters may", user.name, request.path()));
    }
    std::unique_ptr<StoreView> view = co_await store_.view();
    HttpResponse response;
    if (status) {
      const StoreCounts counts = co_await count(*view);
      response.headers.add("Content-Type", "application/json");
      response.body.push_back(share(status_json(*view, counts)));
    } else {
      response.headers.add("Content-Type", "application/octet-stream");
      response.stream = std::make_unique<SnapshotStream>(std::move(view), clock_.now());
    }
    co_return response;
  }

 private:
  Store& store_;
  const Clock& clock_;
};

}  // namespace

std::unique_ptr<PathHandler> store_paths(Store& store, const Clock& clock) { return std::make_unique<StorePaths>(store, clock); }

}  // namespace ph::apiserver
