#include "api/patch/patch_text.h"

#include <cmath>
#include <set>

#include <fmt/format.h>

namespace ph::api {

namespace {

using Json = nlohmann::json;

constexpr std::size_t kDuplicatesMax = 100;

// Builds the document, and sees which members come twice.
class Reader final : public nlohmann::json_sax<Json> {
 public:
  explicit Reader(PatchText& out) : out_(out) {}

  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(value); }
  bool number_unsigned(number_unsigned_t value) override { return put(value); }
  bool number_float(number_float_t value, const string_t&) override { return put(value); }
  bool string(string_t& value) override { return put(std::move(value)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    Level& level = levels_.back();
    const auto [at, fresh] = level.value->get_ref<Json::object_t&>().try_emplace(std::move(name));
    level.member = at;
    if (!fresh) note_duplicate();
    return true;
  }

  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& error) override { throw error; }

 private:
  struct Level {
    Json* value;
    Json::object_t::iterator member;  // of an object: the one that is being read
  };

  template <class T>
  bool put(T&& value) {
    place(Json(std::forward<T>(value)));
    return true;
  }

  Json* place(Json value) {
    Json* at = &out_.document;
    if (!levels_.empty() && levels_.back().value->is_array()) {
      levels_.back().value->push_back(nullptr);
      at = &levels_.back().value->back();
    } else if (!levels_.empty()) {
      at = &levels_.back().member->second;
    }
    *at = std::move(value);
    return at;
  }

  bool open(Json value) {
    levels_.push_back({place(std::move(value)), {}});
    return true;
  }
  bool close() {
    levels_.pop_back();
    return true;
  }

  void note_duplicate() {
    if (out_.duplicates.size() >= kDuplicatesMax) return;
    std::string path;
    for (const Level& level : levels_) {
      if (level.value->is_array()) {
        path += fmt::format("[{}]", level.value->size() - 1);
      } else {
        if (!path.empty()) path += '.';
        path += level.member->first;
      }
    }
    if (told_.insert(path).second) out_.duplicates.push_back(fmt::format("duplicate field \"{}\"", path));
  }

  PatchText& out_;
  std::vector<Level> levels_;
  std::set<std::string> told_;
};

void print(const Json& value, std::string& out) {
  if (value.is_object()) {
    out += "map[";
    const char* between = "";
    for (const auto& [name, member] : value.items()) {
      out.append(between).append(name).append(":");
      print(member, out);
      between = " ";
    }
    out += ']';
  } else if (value.is_array()) {
    out += '[';
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (i) out += ' ';
      print(value[i], out);
    }
    out += ']';
  } else if (value.is_null()) {
    out += "<nil>";
  } else if (value.is_string()) {
    out += value.get_ref<const std::string&>();
  } else if (value.is_number_float()) {
    // Go's %v: the shortest digits, with an exponent of at least two digits from 1e21 on.
    const double number = value.get<double>();
    const bool long_form = number != 0 && (std::abs(number) < 1e-4 || std::abs(number) >= 1e21);
    out += long_form ? fmt::format("{:e}", number) : fmt::format("{}", number);
  } else {
    out += value.dump();
  }
}

}  // namespace

PatchText parse_patch(const std::string& text) {
  PatchText out;
  Reader reader(out);
  Json::sax_parse(text, &reader);
  return out;
}

void make_whole(Json& document) {
  if (document.is_structured()) {
    for (Json& value : document) make_whole(value);
  } else if (document.is_number_float()) {
    const double number = document.get<double>();
    if (std::trunc(number) == number && std::abs(number) < 0x1p63) document = static_cast<std::int64_t>(number);
  }
}

std::string go_text(const Json& document) {
  std::string out;
  print(document, out);
  return out;
}

std::string_view go_type(const Json& value) {
  if (value.is_object()) return "map[string]interface {}";
  if (value.is_array()) return "[]interface {}";
  return go_kind(value);
}

std::string_view go_kind(const Json& value) {
  switch (value.type()) {
    case Json::value_t::object: return "map";
    case Json::value_t::array: return "slice";
    case Json::value_t::string: return "string";
    case Json::value_t::boolean: return "bool";
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned: return "int64";
    case Json::value_t::number_float: return "float64";
    default: return "<nil>";
  }
}

}  // namespace ph::api
