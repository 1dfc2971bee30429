#include "inferometer/report/summary.h"

#include "inferometer/report/sections.h"
#include "inferometer/report/study_document.h"

namespace ifm {

Document summary_document(const Study& study) {
  return concatenated({title_section(study), setup_section(study), study_document(study, {})});
}

std::string summary_text(const Study& study, const TextStyle& style) { return render_text(summary_document(study), style); }

}  // namespace ifm
