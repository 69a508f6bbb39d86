#include "daemon/program.h"
#include "pilothouse/node_program.h"

int main(int argc, char** argv) { return ph::pilothouse::node_program("ph-node", ph::daemon::arguments(argc, argv)); }
