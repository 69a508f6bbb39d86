#include "daemon/program.h"
#include "pilothouse/kubectl_why.h"

int main(int argc, char** argv) { return ph::pilothouse::kubectl_why("kubectl-why", ph::daemon::arguments(argc, argv)); }
