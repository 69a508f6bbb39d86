#include "apiserver/tables/tables.h"

#include "api/codec.h"
#include "api/json_text.h"
#include "api/object.h"
#include "api/times.h"
#include "base/assert.h"

namespace ph::apiserver {

#define PRINTER(group, plural, printer) extern const Printer k##printer##Printer;
#include "apiserver/tables/printers.def"
#undef PRINTER

namespace {

struct PrinterEntry {
  std::string_view group, plural;
  const Printer* printer;
};

const PrinterEntry kPrinters[] = {
#define PRINTER(group, plural, printer) {group, plural, &k##printer##Printer},
#include "apiserver/tables/printers.def"
#undef PRINTER
};

constexpr Column kDefaultColumns[] = {{"Name", "string", "name"}, {"Created At", "date"}};

void print_default(const google::protobuf::Message& object, Time, Row& row) {
  const meta::v1::ObjectMeta& metadata = api::metadata(object);
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
    out += R"(,"description":"","priority":)";
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

void append_object(const api::Resource& resource, std::string_view protobuf, IncludeObject include, std::string& out) {
  if (include == IncludeObject::None) {
    out += R"(,"object":null)";
    return;
  }
  out += R"(,"object":)";
  if (include == IncludeObject::Object) {
    api::transcode_to_json(*resource.schema, protobuf, true, out);
    return;
  }
  out += R"({"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":)";
  api::transcode_to_json(api::schema_of<meta::v1::ObjectMeta>(), api::metadata_bytes(protobuf), false, out);
  out += '}';
}

class Tables final : public TableConverter {
 public:
  void begin(const api::Resource& resource, const meta::v1::ListMeta& metadata, const TableOptions& options,
             std::string& out) const override {
    out += R"({"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":)";
    out += api::encode_json(metadata);
    out += ',';
    if (options.column_definitions) append_columns(printer_for(resource).columns, out);
    else out += R"("columnDefinitions":null)";
    out += R"(,"rows":[)";
  }

  void append_rows(const api::Resource& resource, std::span<const EntryRef> entries, const TableOptions& options,
                   std::string& out) const override {
    const Printer& printer = printer_for(resource);
    const std::unique_ptr<Message> object = api::Scheme::builtin().make(*resource.schema);
    for (const EntryRef& entry : entries) {
      if (&entry != entries.data()) out += ',';
      append_entry(resource, printer, *entry, options, *object, out);
    }
  }

 private:
  static void append_entry(const api::Resource& resource, const Printer& printer, const Entry& entry,
                           const TableOptions& options, Message& object, std::string& out) {
    const std::string_view protobuf = api::open_envelope(*entry.protobuf).raw;
    object.Clear();
    api::decode_protobuf(protobuf, object);
    Row row;
    printer.print(object, options.now, row);
    PH_ASSERT(row.cells.size() == printer.columns.size());
    append_row(row, out);
    append_object(resource, protobuf, options.include, out);
    out += '}';
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
