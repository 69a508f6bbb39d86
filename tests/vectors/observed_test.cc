// kube-apiserver's answers: validation, stored forms, patches, apply, lists and watches, tables.
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/vectors/observed_server.h"
#include "tests/vectors/play.h"

namespace ph::vectors {
namespace {

std::string case_of(const Json& row) { return row.at("case"); }

std::string codes(int recorded, int got) { return fmt::format("code {} is {}", recorded, got); }

std::string show_answer(const Answer& got) {
  return shortened(Json(got.fields).dump(-1, ' ', false, Json::error_handler_t::replace), 1000) + "\n";
}

// The path is served by nobody here; nor was it meant to be unknown.
bool is_unserved(int recorded_code, const Answer& got) {
  return recorded_code != 404 && got.code == 404 && got.body().is_object() &&
         got.body().value("message", "") == "the server could not find the requested resource";
}

// "/api/v1/namespaces/default/pods/x/status?dryRun=All": the collection's path, and that of the object.
struct ObjectPath {
  std::string collection, object;
  ObjectPath(const std::string& path, const std::string& name) {
    const std::size_t at = path.find("/" + name + "/");
    const std::string base = path.substr(0, path.find('?'));
    collection = at != std::string::npos ? path.substr(0, at) : base.substr(0, base.rfind('/'));
    object = collection + "/" + name;
  }
};

// Each row meets a server that nobody has written to, until it writes.
class ObservedPlayer : public Player {
 public:
  explicit ObservedPlayer(bool with_widgets = false) {
    if (with_widgets) server_.add_widgets();
  }
  Outcome play(const Json& row) final {
    spent_ = true;
    return answer(row);
  }
  bool is_spent() const final { return spent_; }

 protected:
  virtual Outcome answer(const Json& row) = 0;
  void leaves_nothing() { spent_ = false; }

  ObservedServer server_;

 private:
  bool spent_ = false;
};

// -- Validation

using Causes = std::multiset<std::pair<std::string, std::string>>;  // field, reason

Causes causes_of(const Json& status) {
  Causes out;
  if (!status.is_object() || !status.contains("details")) return out;
  for (const Json& cause : status["details"].value("causes", Json::array()))
    out.emplace(cause.value("field", ""), cause.value("reason", ""));
  return out;
}

// "spec.containers[0].name" → "spec.containers[].name": whatever is in brackets.
std::string field_kind(const std::string& field) {
  std::string out;
  bool inside = false;
  for (const char c : field) {
    if (c == ']') inside = false;
    if (!inside) out += c;
    if (c == '[') inside = true;
  }
  return out;
}

class ValidationPlayer final : public ObservedPlayer {
 protected:
  Outcome answer(const Json& row) override {
    Bindings bindings;
    if (row.contains("old")) {
      const ObjectPath path(row["p"], row["old"]["metadata"]["name"]);
      const Answer made = server_.send(Request::make("POST", path.collection, row["old"]));
      if (is_unserved(201, made)) return Outcome::not_served(row["kind"]);
      if (made.code != 201)
        return Outcome::differs(0, fmt::format("{}: the object to update is refused", kind_of(row)), show_answer(made));
    } else {
      leaves_nothing();
    }
    const Answer got = server_.send(Request::of(row, bindings));
    const int code = row["code"];
    if (is_unserved(code, got)) return Outcome::not_served(row["kind"]);
    if (got.code != code) {
      return Outcome::differs(0, kind_of(row) + ": " + codes(code, got.code),
                              codes(code, got.code) + "\n" + compare(row, got, bindings));
    }
    if (code >= 400) {
      Outcome fields = compare_causes(row, got);
      if (!fields.kinds.empty()) return fields;
    }
    const std::string differs = compare(row, got, bindings);
    if (differs.empty()) return Outcome::agrees(3);
    return Outcome::differs(2, fmt::format("{}: {}", kind_of(row), kind_of_difference(differs)), differs);
  }

 private:
  static std::string kind_of(const Json& row) { return row["kind"]; }

  static std::string compare(const Json& row, const Answer& got, Bindings& bindings) {
    Json recorded = Json::object(), fields = got.fields;
    for (const char* name : {"r", "warn", "retryAfter"}) {
      if (row.contains(name)) recorded[name] = row[name];
    }
    // Of what was accepted only the code was kept.
    if (!row.contains("r")) fields.erase("r");
    return compare_answers(recorded, fields, bindings);
  }

  static Outcome compare_causes(const Json& row, const Answer& got) {
    Outcome out = Outcome::agrees(1);
    const Json recorded = row["r"], body = got.body();
    if (recorded.value("reason", "") != (body.is_object() ? body.value("reason", "") : "")) {
      out.kinds.push_back(kind_of(row) + ": another reason");
      out.shown += fmt::format("reason: recorded {}, got {}\n", recorded.value("reason", ""), body.value("reason", ""));
    }
    const Causes theirs = causes_of(recorded), ours = causes_of(body);
    for (const auto& cause : theirs) {
      if (ours.count(cause) >= theirs.count(cause)) continue;
      out.kinds.push_back(fmt::format("{}: missing {} {}", kind_of(row), field_kind(cause.first), cause.second));
    }
    for (const auto& cause : ours) {
      if (theirs.count(cause) >= ours.count(cause)) continue;
      out.kinds.push_back(fmt::format("{}: too much {} {}", kind_of(row), field_kind(cause.first), cause.second));
    }
    if (!out.kinds.empty())
      out.shown += fmt::format("recorded {}\ngot      {}\n", recorded.value("message", ""), body.value("message", ""));
    return out;
  }
};

TEST(Observed, Validation) {
  ValidationPlayer player;
  play({.name = "observed/validation",
        .levels = {"code", "fields", "message"},
        .row_name = case_of,
        .group = [](const Json& row) { return row.at("kind").get<std::string>(); }},
       player);
}

// -- One request, a whole answer

Outcome judge_answer(const Json& row, const Answer& got, const std::string& group, Bindings& bindings) {
  const int code = row["code"];
  Json recorded = Json::object(), fields = got.fields;
  for (const char* name : {"r", "warn", "text", "type", "retryAfter"}) {
    if (row.contains(name)) recorded[name] = row[name];
  }
  if (fields.contains("r")) fields["r"] = without_managed_fields(fields["r"]);
  const std::string differs = compare_answers(recorded, fields, bindings);
  if (is_unserved(code, got)) return Outcome::not_served(group);
  if (got.code != code) return Outcome::differs(0, group + ": " + codes(code, got.code), codes(code, got.code) + "\n" + differs);
  if (differs.empty()) return Outcome::agrees(2);
  return Outcome::differs(1, group + ": " + kind_of_difference(differs), differs);
}

// Of kinds with variants ("Pod-vol-nfs/full") the kind.
std::string base_of(const Json& row) {
  const std::string first = part_of(case_of(row), 1);
  return first.substr(0, first.find('-'));
}

class StoredPlayer final : public ObservedPlayer {
 protected:
  Outcome answer(const Json& row) override {
    Bindings bindings;
    return judge_answer(row, server_.send(Request::of(row, bindings)), base_of(row), bindings);
  }
};

TEST(Observed, Stored) {
  StoredPlayer player;
  play({.name = "observed/stored", .levels = {"code", "whole"}, .row_name = case_of, .group = base_of}, player);
}

// -- Patches

class PatchPlayer final : public ObservedPlayer {
 public:
  PatchPlayer() : ObservedPlayer(true) {}

 protected:
  Outcome answer(const Json& row) override {
    Bindings bindings;
    const std::string group = part_of(case_of(row), 1), path = row["p"];
    const ObjectPath object(path, "pt");
    if (!row["object"].is_null()) {
      const Answer made = server_.send(Request::make("POST", object.collection, row["object"]));
      if (is_unserved(201, made)) return Outcome::not_served(object.collection);
      if (made.code != 201) return Outcome::differs(0, group + ": the object is refused", show_answer(made));
    }
    Json step = row;
    step["m"] = "PATCH";
    if (row.contains("patch")) {
      // What is null is sent as such.
      if (row["patch"].is_null()) step["raw"] = "null";
      else step["b"] = patch_of(row["patch"]);
    }
    Outcome out = judge_answer(row, server_.send(Request::of(step, bindings)), group, bindings);
    if (out.level < 2 || !row.contains("after")) return out;
    const Answer after = server_.send(Request::make("GET", object.object));
    const std::string differs = compare_answers({{"r", row["after"]}}, {{"r", without_managed_fields(after.body())}}, bindings);
    if (differs.empty()) return out;
    return Outcome::differs(1, group + ": afterwards " + kind_of_difference(differs), "afterwards:\n" + differs);
  }

 private:
  static Json patch_of(const Json& patch) {
    if (!patch.is_object() || !patch.contains("repeat") || !patch.contains("item")) return patch;
    return Json(patch["repeat"].get<std::size_t>(), patch["item"]);
  }
};

TEST(Observed, Patch) {
  PatchPlayer player;
  play({.name = "observed/patch",
        .levels = {"code", "whole"},
        .row_name = case_of,
        .group = [](const Json& row) { return part_of(case_of(row), 1); }},
       player);
}

// -- Several steps

// An object, or list, as `keep: names` leaves it.
Json names_only(const Json& document) {
  if (!document.is_object() || document.value("status", Json()).is_string()) return document;
  Json out = Json::object();
  if (document.contains("kind")) out["kind"] = document["kind"];
  if (document.contains("items") && document["items"].is_array()) {
    out["metadata"] = document.value("metadata", Json::object());
    out["items"] = Json::array();
    for (const Json& item : document["items"]) out["items"].push_back(item["metadata"].value("name", ""));
    return out;
  }
  if (!document.contains("metadata")) return document;
  out["metadata"] = Json::object();
  for (const char* name : {"name", "resourceVersion", "annotations", "labels", "generation", "finalizers", "deletionTimestamp",
                           "deletionGracePeriodSeconds"}) {
    if (document["metadata"].contains(name)) out["metadata"][name] = document["metadata"][name];
  }
  return out;
}

// "spec.containers.0.image": null when it is not there.
Json at_path(const Json& document, const std::string& path) {
  const Json* at = &document;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('.', begin), path.size());
    const std::string part = path.substr(begin, end - begin);
    if (at->is_object() && at->contains(part)) {
      at = &(*at)[part];
    } else if (at->is_array() && std::isdigit(static_cast<unsigned char>(part[0])) && std::stoul(part) < at->size()) {
      at = &(*at)[std::stoul(part)];
    } else {
      return nullptr;
    }
    begin = end + 1;
  }
  return *at;
}

bool is_status(const Json& body) { return body.is_object() && body.value("status", Json()).is_string(); }

// What was kept of an answer's body.
Json kept(const Json& keep, const Json& body) {
  if (is_status(body) || keep == "mf") return body;
  if (keep == "names") return names_only(body);
  if (!keep.is_array()) return without_managed_fields(body);
  Json out = Json::object();
  for (const Json& path : keep) out[path.get<std::string>()] = without_managed_fields(at_path(body, path));
  return out;
}

Json kept(const Json& keep, Answer got) {
  if (got.fields.contains("r")) got.fields["r"] = kept(keep, got.fields["r"]);
  if (keep == "none" && !is_status(got.body())) got.fields.erase("r");
  if (got.fields.contains("events")) {
    for (Json& event : got.fields["events"]) event["object"] = kept(keep, event["object"]);
  }
  return got.fields;
}

// Which build answered /version is told by members that have to be there, and may hold anything.
Json of_any_build(Json answer) {
  if (!answer.contains("r") || !answer["r"].is_object() || !answer["r"].contains("gitVersion")) return answer;
  for (const char* name : {"buildDate", "compiler", "gitCommit", "gitTreeState", "goVersion", "platform"}) {
    if (answer["r"].contains(name)) answer["r"][name] = "of a build";
  }
  return answer;
}

class StepsPlayer final : public ObservedPlayer {
 public:
  StepsPlayer() : ObservedPlayer(true) {}

 protected:
  Outcome answer(const Json& row) override {
    Bindings bindings;
    Outcome out = Outcome::agrees(2);
    const std::string group = part_of(case_of(row), 1);
    int number = 0;
    for (const Json& step : row["steps"]) {
      ++number;
      if (step["m"] == "COMPACT") {
        server_.compact();
        continue;
      }
      const Answer got = server_.send(Request::of(step, bindings));
      const int code = step["ans"]["code"];
      if (is_unserved(code, got))
        return Outcome::not_served(step["p"].get<std::string>().substr(0, step["p"].get<std::string>().find('?')));
      std::string differs;
      if (step.value("setup", 0) == 0) {
        differs = compare_answers(of_any_build(step["ans"]), of_any_build(kept(step.value("keep", Json()), got)), bindings);
      }
      if (got.code != code) differs = codes(code, got.code) + "\n" + (differs.empty() ? show_answer(got) : differs);
      if (differs.empty()) continue;
      out.level = std::min(out.level, got.code == code ? 1 : 0);
      out.kinds.push_back(group + ": " + (got.code == code ? kind_of_difference(differs) : codes(code, got.code)));
      out.shown += fmt::format("step {}: {} {}\n{}", number, step["m"].get<std::string>(), step["p"].get<std::string>(), differs);
    }
    return out;
  }
};

TEST(Observed, Lists) {
  StepsPlayer player;
  play({.name = "observed/lists",
        .levels = {"code", "whole"},
        .row_name = case_of,
        .group = [](const Json& row) { return part_of(case_of(row), 1); }},
       player);
}

TEST(Observed, Apply) {
  StepsPlayer player;
  // The part before '-' says what kind of object it is about, or what it tries.
  play({.name = "observed/apply", .levels = {"code", "whole"}, .row_name = case_of, .group = base_of}, player);
}

// -- Tables

Json without_descriptions(Json table) {
  for (Json& column : table["columnDefinitions"]) column.erase("description");
  return table;
}

Json cells_of(const Json& table) {
  Json out = Json::array();
  for (const Json& row : table.value("rows", Json::array())) {
    out.push_back(row.value("cells", Json::array()));
    if (row.contains("conditions")) out.back().push_back({{"conditions", row["conditions"]}});
  }
  return out;
}

class TablesPlayer final : public ObservedPlayer {
 public:
  TablesPlayer() : ObservedPlayer(true) {}

 protected:
  Outcome answer(const Json& row) override {
    Bindings bindings;
    const std::string group = part_of(case_of(row), 1);
    if (row.contains("object")) {
      Outcome made = make(row, group);
      if (made.level == 0) return made;
    }
    Json step = row;
    if (!row.contains("h")) step["h"] = {{"Accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}};
    Answer got = server_.send(Request::of(step, bindings));
    Json body = got.body();
    const bool is_table = body.is_object() && body.contains("columnDefinitions");
    if (is_table) body = got.fields["r"] = without_descriptions(std::move(body));
    if (row.contains("r") || got.code != row["code"] || !is_table) {
      Outcome out = judge_answer(row, got, group, bindings);
      return out.level = out.level == 2 ? 3 : out.level, out;
    }
    if (const std::string differs = differences(row["columns"], body["columnDefinitions"], bindings); !differs.empty()) {
      return Outcome::differs(1, group + ": columns", "columns " + differs);
    }
    const std::string differs = differences(row["rows"], cells_of(body), bindings);
    if (differs.empty()) return Outcome::agrees(3);
    return Outcome::differs(2, group + ": rows" + kind_of_difference(differs), "rows " + differs);
  }

 private:
  Outcome make(const Json& row, const std::string& group) {
    const std::string path = row["p"];
    const ObjectPath object(path, row["object"]["metadata"]["name"]);
    const Answer made = server_.send(Request::make("POST", object.collection, row["object"]));
    if (is_unserved(201, made)) return Outcome::not_served(group);
    if (made.code != 201) return Outcome::differs(0, group + ": the object is refused", show_answer(made));
    if (row.contains("status")) {
      const Answer status = server_.send(
          Request::make("PATCH", object.object + "/status", {{"status", row["status"]}}, "application/merge-patch+json"));
      if (status.code != 200) return Outcome::differs(0, group + ": the status is refused", show_answer(status));
    }
    if (row.value("deleted", false)) server_.send(Request::make("DELETE", object.object));
    return Outcome::agrees(1);
  }
};

TEST(Observed, Tables) {
  TablesPlayer player;
  play({.name = "observed/tables",
        .levels = {"code", "columns", "whole"},
        .row_name = case_of,
        .group = [](const Json& row) { return part_of(case_of(row), 1); }},
       player);
}

}  // namespace
}  // namespace ph::vectors
