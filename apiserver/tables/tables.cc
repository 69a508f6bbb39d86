#include "apiserver/tables/tables.h"

#include "api/codec.h"
#include "api/encoded.h"
#include "api/json_text.h"
#include "api/times.h"
#include "apiserver/tables/custom.h"
#include "base/assert.h"

namespace ph::apiserver {

#define PRINTER(group, plural, printer) extern const Printer k##printer##Printer;
#include "apiserver/tables/printers/printers.def"
#undef PRINTER

namespace {

struct PrinterEntry {
  std::string_view group, plural;
  const Printer* printer;
};

const PrinterEntry kPrinters[] = {
#define PRINTER(group, plural, printer) {group, plural, &k##printer##Printer},
#include "apiserver/tables/printers/printers.def"
#undef PRINTER
};

constexpr Column kDefaultColumns[] = {{"Name", "string", "name"}, {"Created At", "date"}};

void print_default(const api::Object& object, Time, Row& row) {
  const meta::v1::ObjectMeta& metadata = object.metadata();
  row.cells = {metadata.name(), api::rfc3339(api::to_time(metadata.creation_timestamp()))};
}

void append_columns(std::span<const Column> columns, std::string& out) {
  out += R"("columnDefinitions":[)";
  for (const Column& column : columns) {
    if (&column != columns.data()) out += ',';
    out += R"({"name":)";
    api::append_json_string(column.name, out);
    out += R"(,"type":)";
    api::append_json_string(column.type, out);
    out += R"(,"format":)";
    api::append_json_string(column.format, out);
    out += R"(,"description":)";
    api::append_json_string(column.description, out);
    out += R"(,"priority":)";
    out += std::to_string(column.priority);
    out += '}';
  }
  out += ']';
}

void append_cell(const Cell& cell, std::string& out) {
  if (const auto* text = std::get_if<std::string>(&cell)) {
    api::append_json_string(*text, out);
  } else if (const auto* number = std::get_if<std::int64_t>(&cell)) {
    out += std::to_string(*number);
  } else if (const auto* raw = std::get_if<RawCell>(&cell)) {
    out += raw->json;
  } else {
    out += std::get<bool>(cell) ? "true" : "false";
  }
}

void append_row(const Row& row, std::string& out) {
  out += R"({"cells":[)";
  for (const Cell& cell : row.cells) {
    if (&cell != row.cells.data()) out += ',';
    append_cell(cell, out);
  }
  out += ']';
  if (row.completed_reason.empty()) return;
  out += R"(,"conditions":[{"type":"Completed","status":"True","reason":)";
  api::append_json_string(row.completed_reason, out);
  out += R"(,"message":)";
  api::append_json_string(row.completed_message, out);
  out += "}]";
}

const char* version_of(const TableOptions& options) { return options.beta ? "meta.k8s.io/v1beta1" : "meta.k8s.io/v1"; }

void append_object(const api::Encoded& encoded, const TableOptions& options, std::string& out) {
  if (options.include == IncludeObject::None) {
    out += R"(,"object":null)";
    return;
  }
  out += R"(,"object":)";
  if (options.include == IncludeObject::Object) {
    encoded.append_json(true, out);
    return;
  }
  std::string scratch;
  out += R"({"kind":"PartialObjectMetadata","apiVersion":")";
  out += version_of(options);
  out += R"(","metadata":)";
  api::transcode_to_json(api::schema_of<meta::v1::ObjectMeta>(), encoded.metadata(scratch), false, out);
  out += '}';
}

// How one resource's rows are made: by its printer, or by the columns of its definition.
class Rows {
 public:
  explicit Rows(const api::Resource& resource)
      : resource_(resource), printer_(printer_for(resource)), object_(api::Object::make(*resource.schema)) {
    if (!object_.message()) custom_.emplace(resource);
  }

  void append_columns(std::string& out) const {
    if (custom_) return apiserver::append_columns(custom_->columns(), out);
    apiserver::append_columns(printer_.columns, out);
  }

  void append(const Entry& entry, const TableOptions& options, std::string& out) {
    const api::Encoded encoded(*resource_.schema, *entry.protobuf);
    append_row(row(entry, encoded, options.now), out);
    append_object(encoded, options, out);
    out += '}';
  }

 private:
  Row row(const Entry& entry, const api::Encoded& encoded, Time now) {
    if (custom_) return custom_->row(api::decode_stored(*resource_.schema, *entry.protobuf), now);
    // The message is used again for the next row.
    object_.message()->Clear();
    api::decode_protobuf(encoded.body(), *object_.message());
    Row row;
    printer_.print(object_, now, row);
    PH_ASSERT(row.cells.size() >= printer_.columns.size());  // upstream has a row with a cell too many
    return row;
  }

  const api::Resource& resource_;
  const Printer& printer_;
  api::Object object_;
  std::optional<CustomColumns> custom_;
};

class Tables final : public TableConverter {
 public:
  void begin(const api::Resource& resource, const meta::v1::ListMeta& metadata, const TableOptions& options,
             std::string& out) const override {
    out += R"({"kind":"Table","apiVersion":")";
    out += version_of(options);
    out += R"(","metadata":)";
    out += api::encode_json(metadata);
    out += ',';
    if (options.column_definitions) Rows(resource).append_columns(out);
    else out += R"("columnDefinitions":null)";
    out += R"(,"rows":[)";
  }

  void append_rows(const api::Resource& resource, std::span<const EntryRef> entries, const TableOptions& options,
                   std::string& out) const override {
    Rows rows(resource);
    for (const EntryRef& entry : entries) {
      if (&entry != entries.data()) out += ',';
      rows.append(*entry, options, out);
    }
  }
};

}  // namespace

extern const Printer kDefaultPrinter = {kDefaultColumns, print_default};

const Printer& printer_for(const api::Resource& resource) {
  for (const PrinterEntry& entry : kPrinters) {
    if (entry.group == resource.kind.group && entry.plural == resource.plural) return *entry.printer;
  }
  return kDefaultPrinter;
}

std::unique_ptr<TableConverter> make_table_converter() { return std::make_unique<Tables>(); }

}  // namespace ph::apiserver
