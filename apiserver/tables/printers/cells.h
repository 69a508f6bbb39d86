// Texts that many rows share, in the words of kubectl's users.
#pragma once

#include <string>
#include <string_view>

#include "apiserver/tables/printer.h"

namespace ph::apiserver {

inline constexpr std::string_view kNone = "<none>";
inline constexpr std::string_view kUnset = "<unset>";
inline constexpr std::string_view kUnknown = "<unknown>";

// How long ago: "5m12s"; "<unknown>" for the zero time.
std::string age(const meta::v1::Time& since, Time now);
std::string age(const meta::v1::MicroTime& since, Time now);

// "a=b,c=d" in the order of keys; "<none>" for an empty map.
std::string labels_text(const google::protobuf::Map<std::string, std::string>& labels);
// As `-l` takes it; "<none>" when empty, "<error>" when it makes no sense.
std::string selector_text(const meta::v1::LabelSelector& selector);

// Names and images of the containers, comma separated.
std::string container_names(const core::v1::PodSpec& pod);
std::string container_images(const core::v1::PodSpec& pod);

// A quantity by its key; empty when there is none.
std::string quantity_text(const google::protobuf::Map<std::string, meta::v1::Quantity>& list, const std::string& key);
std::string int_or_string(const meta::v1::IntOrString& value);
// "RWO,ROX", each mode once.
std::string access_modes(const google::protobuf::RepeatedPtrField<std::string>& modes);

inline std::string or_text(std::string text, std::string_view otherwise) { return text.empty() ? std::string(otherwise) : text; }

}  // namespace ph::apiserver
