// RocksDB under the bench's workload, in three layouts: layout_a1.cc, layout_a2.cc, layout_a3.cc; all options are in
// options.cc. Driven as worker.h says; the last argument is the layout.
#include "layout.h"
#include "worker.h"

int main(int argc, char** argv) {
  return bench::serve(argc, argv,
                      [](const bench::Workload& workload, const std::string& store, const std::string& layout) {
                        if (layout == "A1") return bench::make_a1(workload, store);
                        if (layout == "A2") return bench::make_a2(workload, store);
                        return bench::make_a3(workload, store);
                      });
}
