#include "daemon/program.h"
#include "pilothouse/scheduler_program.h"

int main(int argc, char** argv) { return ph::pilothouse::scheduler_program("ph-scheduler", ph::daemon::arguments(argc, argv)); }
