#include "apiserver/rest/list_writer.h"

#include "api/codec.h"
#include "apiserver/rest/wire.h"

namespace ph::apiserver {
namespace {

using meta::v1::ListMeta;

constexpr std::size_t kPieceSize = 32 * 1024;
// Rows of a table that share what they are made with.
constexpr std::size_t kRows = 16;

api::GroupVersionKind list_kind(const Encoding& encoding) {
  api::GroupVersionKind kind = kind_of(encoding);
  kind.kind += "List";
  return kind;
}

bool is_protobuf(const Encoding& encoding) { return encoding.form.format == Format::Protobuf && encoding.form.as != As::Table; }

// Upstream makes such a list item by item, and one without any is null.
bool lacks_items(const Encoding& encoding, const std::vector<EntryRef>& entries) {
  return encoding.form.as == As::PartialMetadata && entries.empty();
}

// What stands around the items of a list in protobuf, but for the items' own bytes.
std::string protobuf_head(const Encoding& encoding, const std::vector<EntryRef>& entries, const ListMeta& metadata) {
  std::string raw;
  wire::append_bytes(1, api::encode_protobuf(metadata), raw);
  std::size_t size = raw.size();
  for (const EntryRef& entry : entries) size += wire::size_of_bytes(2, protobuf_size(encoding, *entry));
  return wire::envelope_head(list_kind(encoding), size) + raw;
}

}  // namespace

ListWriter::ListWriter(Encoding encoding, std::vector<EntryRef> entries, ListMeta metadata)
    : encoding_(std::move(encoding)),
      entries_(std::move(entries)),
      metadata_(std::move(metadata)),
      indents_(encoding_.form.pretty && encoding_.form.format == Format::Json) {}

bool ListWriter::append(std::string& out, std::size_t size) {
  const std::size_t enough = out.size() + size;
  std::string& into = indents_ ? compact_ : out;
  bool more = true;
  do {
    if (!std::exchange(begun_, true)) begin(into);
    if (at_ < entries_.size()) items(into);
    more = at_ < entries_.size();
    if (!more) end(into);
    if (indents_) indenter_.append(std::exchange(compact_, {}), out);
  } while (more && out.size() < enough);
  if (!more && !is_protobuf(encoding_)) out.push_back('\n');
  return more;
}

void ListWriter::begin(std::string& out) {
  if (encoding_.form.as == As::Table) return encoding_.tables->begin(*encoding_.resource, metadata_, encoding_.table, out);
  if (is_protobuf(encoding_)) {
    out += protobuf_head(encoding_, entries_, metadata_);
    return;
  }
  const api::GroupVersionKind kind = list_kind(encoding_);
  out += R"({"kind":")" + kind.kind + R"(","apiVersion":")" + kind.api_version() + R"(","metadata":)";
  out += api::encode_json(metadata_);
  out += lacks_items(encoding_, entries_) ? R"(,"items":null)" : R"(,"items":[)";
}

void ListWriter::items(std::string& out) {
  if (is_protobuf(encoding_)) {
    append_protobuf(encoding_, *std::exchange(entries_[at_++], nullptr), 2, out);
    return;
  }
  if (at_ > 0) out.push_back(',');
  if (encoding_.form.as != As::Table) {
    append_json(encoding_, *std::exchange(entries_[at_++], nullptr), false, out);
    return;
  }
  const std::size_t count = std::min(kRows, entries_.size() - at_);
  encoding_.tables->append_rows(*encoding_.resource, std::span(entries_).subspan(at_, count), encoding_.table, out);
  for (std::size_t i = 0; i < count; ++i) entries_[at_++] = nullptr;
}

void ListWriter::end(std::string& out) {
  if (is_protobuf(encoding_)) {
    out += wire::envelope_tail();
  } else {
    out += lacks_items(encoding_, entries_) ? "}" : "]}";
  }
}

ListPieces::ListPieces(ListWriter writer, bool compress)
    : writer_(std::move(writer)), gzip_(compress ? std::make_unique<Gzip>() : nullptr) {}

SharedBytes ListPieces::next() {
  std::string piece;
  while (!ended_ && piece.empty()) {
    std::string plain;
    plain.reserve(kPieceSize * 3 / 2);
    ended_ = !writer_.append(plain, kPieceSize);
    if (!gzip_) return share(std::move(plain));
    gzip_->add(plain, piece);
    if (ended_) gzip_->end(piece);
  }
  return piece.empty() ? nullptr : share(std::move(piece));
}

}  // namespace ph::apiserver
