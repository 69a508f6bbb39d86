// Objects as tables, for `kubectl get`. Reference: "Receiving resources as Tables".
#pragma once

#include <memory>

#include "apiserver/extensions.h"
#include "apiserver/tables/printer.h"

namespace ph::apiserver {

std::unique_ptr<TableConverter> make_table_converter();

// How a resource is shown. Threads: any.
const Printer& printer_for(const api::Resource& resource);

}  // namespace ph::apiserver
