#include "informers/live_state.h"

#include "api/wire_records.h"
#include "informers/metadata_view.h"
#include "informers/request.h"

namespace ph::informers::detail {
namespace {

constexpr std::int64_t kChunk = 2'000;

void take(std::string_view object, LiveState& state) {
  ObjectKey key;
  std::string_view uid;
  for (api::wire::Records in(api::wire::member_of(object, 1)); in.next();) {
    switch (in.field()) {
      case 1: key.name = in.text(); break;
      case 3: key.namespace_name = in.text(); break;
      case 5: uid = in.text(); break;
      case 6: state.newest = std::max(state.newest, parse_revision(in.text())); break;
    }
  }
  state.uids.insert_or_assign(std::move(key), std::string(uid));
}

}  // namespace

Task<LiveState> read_live(Client& client, const Decoder& decoder) {
  LiveState out;
  ListOptions options;
  options.field_selector = decoder.field_selector;
  options.label_selector = decoder.label_selector;
  options.limit = kChunk;
  do {
    const SharedBytes answer = co_await client.list_metadata_bytes(*decoder.resource, options);
    ListParts list = split_list(answer_object(*answer));
    for (const std::string_view item : list.items) take(item, out);
    out.now = list.revision;
    options.continue_token = std::move(list.continue_token);
  } while (!options.continue_token.empty());
  co_return out;
}

}  // namespace ph::informers::detail
