#include "policy/pip_query.h"

// Asked of the very Python that pip runs on. Each part stands alone in a try: pip's inner modules
// move between versions (9 to 26), and what one version cannot say must not silence the rest.
// sys.path loses the current directory first: a project's own "pip/" or "site.py" must not answer.

namespace sandbox_run::policy {

const std::string_view kPipQuery = R"python(
import sys
sys.path[:] = [p for p in sys.path if p not in ('', '.')]
import json, os, site, sysconfig
out = {'prefix': sys.prefix,
       'base_prefix': getattr(sys, 'base_prefix', getattr(sys, 'real_prefix', sys.prefix))}
def attempt(part):
    try:
        part()
    except Exception:
        pass
def user():
    out['user_base'] = site.getuserbase()
    out['user_site'] = site.getusersitepackages()
    out['user_site_enabled'] = bool(site.ENABLE_USER_SITE)
def places(scheme):
    out['data'] = scheme['data']
    out['directories'] = [scheme[k] for k in ('purelib', 'platlib', 'scripts', 'data')]
    headers = scheme.get('headers') or scheme.get('include')
    if headers:
        out['directories'].append(headers)
def scheme_of_sysconfig():
    places(sysconfig.get_paths())
def scheme_of_old_pip():
    try:
        from pip._internal.locations import distutils_scheme
    except ImportError:
        from pip.locations import distutils_scheme
    scheme = distutils_scheme('x')
    scheme['headers'] = os.path.dirname(scheme['headers'])
    places(scheme)
def scheme_of_pip():
    from pip._internal.locations import get_scheme
    s = get_scheme('x')
    places({'purelib': s.purelib, 'platlib': s.platlib, 'scripts': s.scripts, 'data': s.data,
            'headers': os.path.dirname(s.headers)})
def default_index():
    try:
        from pip._internal.models.index import PyPI
    except ImportError:
        from pip.models.index import PyPI
    out['default_index'] = PyPI.simple_url
    host = getattr(PyPI, 'file_storage_domain', None)
    if host:
        out['default_files'] = 'https://' + host + '/'
def configured():
    items = []
    try:
        from pip._internal.configuration import Configuration
        configuration = Configuration(isolated=False)
        configuration.load()
        for entry in configuration.items():
            key, value = entry
            if isinstance(value, dict):
                items.extend(value.items())
            else:
                items.append(entry)
    except ImportError:
        from pip.baseparser import ConfigOptionParser
        parser = ConfigOptionParser(name='install')
        for section in ('global', 'install'):
            items.extend(parser.get_config_section(section))
        items.extend(parser.get_environ_vars())
    out['configured'] = [[str(k).rsplit('.', 1)[-1].replace('_', '-'), str(v)] for k, v in items]
for part in (user, scheme_of_sysconfig, scheme_of_old_pip, scheme_of_pip, default_index,
             configured):
    attempt(part)
def wanted(item):
    return item[0] in ('index-url', 'extra-index-url', 'find-links')
out['configured'] = [item for item in out.get('configured', []) if wanted(item)]
print(json.dumps(out))
)python";

}  // namespace sandbox_run::policy
