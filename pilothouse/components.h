// All components that a process may hold.
#pragma once

#include "pilothouse/apiserver_component.h"
#include "pilothouse/manager_component.h"
#include "pilothouse/node_component.h"
#include "pilothouse/scheduler_component.h"
