#include "tests/perf/shape.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include "api/codec.h"

namespace ph::perf {

using nlohmann::json;

namespace {

struct Place {
  std::string_view kind, api_version, resource;
  bool namespaced;
};
constexpr Place kPlaces[] = {
    {"Node", "v1", "nodes", false},
    {"Pod", "v1", "pods", true},
    {"Namespace", "v1", "namespaces", false},
    {"Service", "v1", "services", true},
    {"PersistentVolume", "v1", "persistentvolumes", false},
    {"PersistentVolumeClaim", "v1", "persistentvolumeclaims", true},
    {"CSINode", "storage.k8s.io/v1", "csinodes", false},
    {"StorageClass", "storage.k8s.io/v1", "storageclasses", false},
};

json at(const json& object, const char* name) { return object.value(name, json::object()); }

ObjectTemplate object_template(json object, const std::string& step) {
  const std::string kind = object.at("kind");
  const auto place = std::ranges::find(kPlaces, kind, &Place::kind);
  if (place == std::end(kPlaces)) throw std::runtime_error("no shape has objects of kind " + kind);
  object["apiVersion"] = place->api_version;
  std::string path = place->api_version == "v1" ? "/api/v1/" : fmt::format("/apis/{}/", place->api_version);
  if (place->namespaced) {
    json& where = object["metadata"]["namespace"];
    if (where.is_null()) where = "default";
    path += fmt::format("namespaces/{}/", where.get<std::string>());
  }
  path += place->resource;
  if (kind == "Pod") object["metadata"]["labels"]["shape-step"] = step;
  std::optional<Template> status;
  if (object.contains("status")) status.emplace(json{{"status", object["status"]}});
  return {kind, Template(path), Template(at(object, "metadata").at("name")), Template(object), std::move(status)};
}

int scaled(const json& step, double scale) {
  const int count = step.at("create");
  return step.value("fixed", false) ? count : std::max(1, static_cast<int>(count * scale));
}

}  // namespace

Template::Template(const json& document) {
  const std::string whole = document.is_string() ? document.get<std::string>() : document.dump();
  std::string_view text = whole;
  for (std::size_t open; (open = text.find("{n")) != text.npos;) {
    const std::size_t close = text.find('}', open);
    if (close == text.npos) throw std::runtime_error(fmt::format("a brace stays open: {}", text.substr(open)));
    const std::string_view inside = text.substr(open + 2, close - open - 2);
    Piece piece{std::string(text.substr(0, open)), 'n', 1};
    if (!inside.empty()) {
      piece.op = inside.front();
      const auto read = std::from_chars(inside.data() + 1, inside.data() + inside.size(), piece.by);
      const bool good = (piece.op == '%' || piece.op == '/') && read.ec == std::errc() &&
                        read.ptr == inside.data() + inside.size() && piece.by > 0;
      if (!good) throw std::runtime_error(fmt::format("no number is made by {{n{}}}", inside));
    }
    pieces_.push_back(std::move(piece));
    text.remove_prefix(close + 1);
  }
  pieces_.push_back({std::string(text)});
}

std::string Template::text(int n) const {
  std::string out;
  for (const Piece& piece : pieces_) {
    out += piece.before;
    if (piece.op != 0) out += std::to_string(piece.op == '%' ? n % piece.by : n / piece.by);
  }
  return out;
}

int Step::pods() const { return count * static_cast<int>(std::ranges::count(objects, "Pod", &ObjectTemplate::kind)); }

Shape Shape::read(const std::string& yaml, double scale) {
  const json document = json::parse(api::yaml_to_json(yaml));
  Shape out;
  out.name = document.at("name");
  for (const json& step : document.at("steps")) {
    Step& added = out.steps.emplace_back();
    added.count = scaled(step, scale);
    added.measured = step.value("measured", false);
    added.bound = added.measured || step.value("bound", false);
    for (const json& object : step.at("objects")) {
      added.objects.push_back(object_template(object, std::to_string(out.steps.size() - 1)));
    }
  }
  if (std::ranges::count(out.steps, true, &Step::measured) != 1)
    throw std::runtime_error(out.name + ": one step is to be measured");
  if (document.contains("churn")) {
    out.churn_seconds = document["churn"].at("every");
    for (const json& object : document["churn"].at("objects")) out.churn.push_back(object_template(object, "churn"));
  }
  if (document.contains("config")) out.scheduler_config = document["config"].dump();
  return out;
}

}  // namespace ph::perf
