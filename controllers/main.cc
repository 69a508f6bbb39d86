#include "daemon/program.h"
#include "pilothouse/controller_manager.h"

int main(int argc, char** argv) {
  return ph::pilothouse::controller_manager("ph-controller-manager", ph::daemon::arguments(argc, argv));
}
