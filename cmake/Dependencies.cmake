# Debian 12's packages; scripts/packages lists them.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
find_package(Protobuf REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(RocksDB REQUIRED)
find_package(CLI11 REQUIRED)
find_package(prometheus-cpp REQUIRED)
find_package(GTest REQUIRED)
find_package(benchmark REQUIRED)
find_library(PH_SIMDJSON simdjson REQUIRED)
add_library(simdjson INTERFACE)
target_link_libraries(simdjson INTERFACE ${PH_SIMDJSON})
# Not by pkg-config: its -pthread would make every file another than the precompiled header was made for.
find_library(PH_RE2 re2 REQUIRED)
add_library(re2 INTERFACE)
target_link_libraries(re2 INTERFACE ${PH_RE2})
# What the programs allocate with (base/allocator.cc says why). Static: a call of malloc is a call, and nothing has to be installed.
# Sanitizers bring their own.
set(PH_ALLOCATOR "")
if(NOT PH_SANITIZE)
  find_library(PH_ALLOCATOR_LIBRARY NAMES libjemalloc_pic.a REQUIRED)
  set(PH_ALLOCATOR ${PH_ALLOCATOR_LIBRARY} ${CMAKE_DL_LIBS})
endif()
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(nghttp2 REQUIRED IMPORTED_TARGET libnghttp2)
pkg_check_modules(yaml REQUIRED IMPORTED_TARGET yaml-0.1)

# cpprestsdk ships no cmake file that finds its own dependencies.
find_library(PH_CPPREST cpprest REQUIRED)
add_library(cpprest INTERFACE)
target_link_libraries(cpprest INTERFACE ${PH_CPPREST})

# Boost.Asio 1.74 is compiled once; under clang its coroutines want to be asked for.
add_library(ph_asio STATIC ${CMAKE_SOURCE_DIR}/cmake/asio.cc)
target_compile_definitions(ph_asio PUBLIC BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_HAS_CO_AWAIT BOOST_ASIO_HAS_STD_COROUTINE
                           BOOST_ASIO_NO_DEPRECATED BOOST_BEAST_USE_STD_STRING_VIEW)
target_compile_options(ph_asio PUBLIC "SHELL:-include utility")
# libcpprest has the same Asio inside, compiled with other settings, and exports it. Ours is hidden (Asio would make itself
# visible), so that neither calls the other's functions in place of its own; tests/tree/asio.sh looks.
target_compile_definitions(ph_asio PUBLIC BOOST_ASIO_DISABLE_VISIBILITY)
target_compile_options(ph_asio PUBLIC -fvisibility=hidden -fvisibility-inlines-hidden)
target_link_libraries(ph_asio PUBLIC Threads::Threads OpenSSL::SSL)
