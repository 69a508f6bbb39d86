#include "daemon/program.h"
#include "pilothouse/apiserver_program.h"

int main(int argc, char** argv) { return ph::pilothouse::apiserver_program("ph-apiserver", ph::daemon::arguments(argc, argv)); }
