// Named views: reads that are kept in the manifest under a name and a version.

#include <algorithm>

#include "engine/store_core.h"

namespace tsfeat {
namespace {

constexpr size_t kMaxSpecificationBytes = size_t{1} << 20;

const NamedView* same(const std::vector<NamedView>& views, const NamedView& wanted) {
  const auto at = std::find_if(views.begin(), views.end(), [&](const NamedView& view) {
    return view.name == wanted.name && view.table_id == wanted.table_id && view.specification == wanted.specification;
  });
  return at == views.end() ? nullptr : &*at;
}

// Gives the view its id and version, and puts it behind the others of its name.
void add_version(NamedView* view, Manifest* next) {
  const auto older = std::find_if(next->views.rbegin(), next->views.rend(),
                                  [&](const NamedView& other) { return other.name == view->name; });
  view->id = older == next->views.rend() ? next->next_view_id++ : older->id;
  view->version = older == next->views.rend() ? 1 : older->version + 1;
  next->views.insert(older == next->views.rend() ? next->views.end() : older.base(), *view);
}

}  // namespace

Result<std::vector<NamedView>> StoreCore::views() const {
  const std::shared_lock lock(tables_mutex);
  return views_;
}

void StoreCore::take_views(std::vector<NamedView> views) {
  const std::unique_lock lock(tables_mutex);
  views_ = std::move(views);
}

Result<std::string> StoreCore::store_id() {
  const std::lock_guard lock(manifest_mutex);
  return store_id_;
}

Result<NamedView> StoreCore::create_view(const std::string& name, uint32_t table_id, const std::string& specification) {
  TSFEAT_TRY(check_name("view", name));
  if (specification.size() > kMaxSpecificationBytes) {
    return Status::schema("view '" + name + "': its specification takes " + std::to_string(specification.size()) +
                          " bytes, more than 1 MiB; shorten its lists");
  }
  NamedView view{0, name, 0, table_id, specification};
  {
    const std::shared_lock lock(tables_mutex);
    if (const NamedView* const found = same(views_, view)) return *found;
  }
  TSFEAT_TRY(check_writable());
  bool has_table = false;
  std::vector<NamedView> views;
  TSFEAT_TRY(commit(
      [&](Manifest& next) {
        for (const TableRecord& table : next.tables) has_table = has_table || table.id == table_id;
        const NamedView* const found = same(next.views, view);  // another thread may have been first
        if (found != nullptr) view = *found;
        if (has_table && found == nullptr) add_version(&view, &next);
        views = next.views;
      },
      [&] { take_views(std::move(views)); }));
  if (!has_table) return Status::not_found("view '" + name + "': its table was dropped");
  return view;
}

Status StoreCore::drop_view(const std::string& name) {
  TSFEAT_TRY(check_writable());
  bool found = false;
  std::vector<NamedView> views;
  TSFEAT_TRY(commit(
      [&](Manifest& next) {
        found = std::erase_if(next.views, [&](const NamedView& view) { return view.name == name; }) > 0;
        views = next.views;
      },
      [&] { take_views(std::move(views)); }));
  return found ? Status() : Status::not_found("store '" + path + "' has no view '" + name + "'");
}

}  // namespace tsfeat
