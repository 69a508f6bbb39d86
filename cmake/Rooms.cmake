# A room is a folder and a static library of all sources below it; its tests mirror it under tests/.

# Precompiled headers hold libraries, the generated kinds, and the headers of ours that most files of a room include anyway: who
# changes one of these builds the room anew with or without them. Rooms that name none of their own share that of the kinds.
set(PH_PRECOMPILED_KINDS ${CMAKE_SOURCE_DIR}/api/kinds.h ${CMAKE_SOURCE_DIR}/cmake/precompiled.h <nlohmann/json.hpp>
                         ${CMAKE_SOURCE_DIR}/cmake/precompiled_rooms.h)

# ph_room(<folder> [NAME <name>] [KINDS] LIBS … PRIVATE … PRECOMPILE …): library ph_<name>. KINDS: its precompiled header has the API
# kinds; PRECOMPILE: a precompiled header of its own, with these. What stays behind the room's own .cc files is PRIVATE, so that
# its macros and headers reach nobody else.
function(ph_room folder)
  cmake_parse_arguments(arg "KINDS" "NAME" "LIBS;PRIVATE;PRECOMPILE" ${ARGN})
  if(NOT arg_NAME)
    set(arg_NAME ${folder})
  endif()
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.cc)
  list(FILTER sources EXCLUDE REGEX "/main\\.cc$|_test\\.cc$")
  if(NOT sources)
    add_library(ph_${arg_NAME} INTERFACE)
    target_link_libraries(ph_${arg_NAME} INTERFACE ${arg_LIBS} ${arg_PRIVATE})
    return()
  endif()
  add_library(ph_${arg_NAME} STATIC ${sources})
  target_include_directories(ph_${arg_NAME} PUBLIC ${CMAKE_SOURCE_DIR})
  target_link_libraries(ph_${arg_NAME} PUBLIC ${arg_LIBS} PRIVATE ${arg_PRIVATE})
  if(arg_KINDS AND arg_PRECOMPILE)
    target_precompile_headers(ph_${arg_NAME} PRIVATE ${PH_PRECOMPILED_KINDS} ${arg_PRECOMPILE})
  elseif(arg_KINDS)
    target_precompile_headers(ph_${arg_NAME} REUSE_FROM ph_kinds)
  elseif(arg_PRECOMPILE)
    target_precompile_headers(ph_${arg_NAME} PRIVATE ${arg_PRECOMPILE})
  endif()
endfunction()

# ph_program(<name> <main.cc> LIBS …)
function(ph_program name source)
  cmake_parse_arguments(arg "" "" "LIBS" ${ARGN})
  if(NOT EXISTS ${CMAKE_SOURCE_DIR}/${source})
    return()
  endif()
  add_executable(${name} ${source})
  # First, so that the allocator is this one for whatever follows.
  target_link_libraries(${name} PRIVATE ${PH_ALLOCATOR} ${arg_LIBS})
endfunction()

# What is tested is compiled as it is delivered; of the tests themselves most of the time went into making them fast.
set(PH_TEST_OPTIONS "")
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  set(PH_TEST_OPTIONS -O0)
endif()

# ph_tests(<room>): one program of all tests in tests/<room>, one ctest entry a test suite file.
function(ph_tests room)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/${room}/*_test.cc)
  if(NOT sources)
    return()
  endif()
  add_executable(${room}_tests ${sources})
  # The object model is tested alone: it needs no simulation, and its tests build without the rooms above.
  set(testing ph_testing)
  if(room STREQUAL "api")
    set(testing ph_api ph_recorded)
  elseif(room STREQUAL "informers")  # its server is a script
    set(testing ph_informers)
  elseif(room MATCHES "^(base|net)$")  # they know no kinds
    set(testing ph_${room})
  elseif(room STREQUAL "apiserver")  # so is its client
    set(testing ph_apiserver)
  elseif(room STREQUAL "pilothouse")  # compares itself with upstream's lists
    list(APPEND testing ph_recorded)
  endif()
  target_link_libraries(${room}_tests PRIVATE ${testing} GTest::gmock GTest::gtest_main)
  if(room MATCHES "^(base|net)$")
    target_precompile_headers(${room}_tests REUSE_FROM ph_tests_precompiled)
  elseif(room MATCHES "^(api|informers)$")
    target_precompile_headers(${room}_tests REUSE_FROM ph_tests_kinds)
  elseif(room STREQUAL "apiserver")
    target_precompile_headers(${room}_tests REUSE_FROM ph_tests_apiserver)
  else()
    target_precompile_headers(${room}_tests REUSE_FROM ph_tests_cluster)
  endif()
  # A precompiled header serves only who is compiled like it: programs as position independent as libraries.
  target_compile_options(${room}_tests PRIVATE -fPIC ${PH_TEST_OPTIONS})
  include(GoogleTest)
  gtest_discover_tests(${room}_tests TEST_PREFIX ${room}. DISCOVERY_TIMEOUT 60 WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
                       PROPERTIES TIMEOUT 300 LABELS ${room})
endfunction()
