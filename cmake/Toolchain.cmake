# One compiler, one standard library, one set of flags.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)

add_compile_options(-Wall -Wextra -Wno-missing-field-initializers -Wno-unused-parameter -gline-tables-only)
# PCH files carry no time stamps and paths are relative, so that ccache serves every work tree.
add_compile_options("SHELL:-Xclang -fno-pch-timestamp" -fdebug-prefix-map=${CMAKE_SOURCE_DIR}=. -ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)
add_link_options(-fuse-ld=lld -Wl,--as-needed -Wl,--gc-sections)
add_compile_options(-ffunction-sections)

set(PH_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize takes them")
if(PH_SANITIZE)
  add_compile_options(-fsanitize=${PH_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${PH_SANITIZE})
endif()

find_program(PH_CCACHE ccache)
if(PH_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=true CCACHE_DEPEND=true
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${PH_CCACHE})
endif()

# Debian 12's g++ 12.2 destroys some temporaries of a co_await expression twice; refuse any compiler that does.
if(NOT DEFINED PH_COROUTINES_WORK)
  try_run(canary_ran canary_built ${CMAKE_BINARY_DIR}/canary ${CMAKE_SOURCE_DIR}/cmake/coroutine_canary.cc
          CXX_STANDARD 23 CXX_STANDARD_REQUIRED ON RUN_OUTPUT_VARIABLE canary_output COMPILE_OUTPUT_VARIABLE canary_log)
  if(NOT canary_built)
    message(FATAL_ERROR "The coroutine canary does not compile with ${CMAKE_CXX_COMPILER}; use clang 19.\n${canary_log}")
  endif()
  if(NOT canary_ran EQUAL 0)
    message(FATAL_ERROR "${CMAKE_CXX_COMPILER} miscompiles co_await expressions (${canary_output}); use clang 19.")
  endif()
  set(PH_COROUTINES_WORK TRUE CACHE INTERNAL "the coroutine canary ran clean")
endif()
