#include "api/kinds.h"
