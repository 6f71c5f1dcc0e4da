#include "policy/script_query.h"

// Both print their registry nowhere, and read it from many places (bunfig.toml, .npmrc, variables,
// .env). What they would connect to is the answer that holds whatever they read. A request is ended
// at its first line: they would try again for seconds.

namespace sandbox_run::policy {

const std::string_view kScriptQuery = R"js(
const [net, fs, path, cp] =
    await Promise.all(['net', 'fs', 'path', 'child_process'].map(name => import('node:' + name)))
const deno = typeof Deno !== 'undefined', env = process.env, home = env.HOME || '/'
const maxScopes = 20
const read = file => { try { return fs.readFileSync(file, 'utf8') } catch { return '' } }
const parsed = (parse, text) => { try { return parse(text) || {} } catch { return {} } }
const scopes = new Set()
const look = (npmrc, bunfig) => {
  for (const [, scope] of read(npmrc).matchAll(/^\s*(@[\w.-]+):registry\s*=/gm)) scopes.add(scope)
  const install = deno ? {} : parsed(Bun.TOML.parse, read(bunfig)).install
  for (const scope of Object.keys(install?.scopes || {})) scopes.add('@' + scope.replace(/^@/, ''))
}
for (let at = process.cwd(); ; at = path.dirname(at)) {
  look(path.join(at, '.npmrc'), path.join(at, 'bunfig.toml'))
  if (at === path.dirname(at)) break
}
for (const at of [home, env.XDG_CONFIG_HOME || '/']) {
  look(path.join(at, '.npmrc'), path.join(at, '.bunfig.toml'))
}
for (const name of ['npm_config_userconfig', 'NPM_CONFIG_USERCONFIG']) look(env[name] || '', '')
const empty = fs.mkdtempSync('/tmp/query-')
const destination = words => new Promise(done => {
  let child
  const server = net.createServer(socket => {
    socket.on('error', () => {})
    socket.once('data', data => {
      const [method, target] = String(data).split(' ')
      finish(method === 'CONNECT' ? 'https://' + target : target)
    })
  })
  const finish = url => {
    done(url)
    child.kill('SIGKILL')
    server.close()
  }
  server.listen(0, '127.0.0.1', () => {
    const own = 'http://127.0.0.1:' + server.address().port
    const proxied = {...env, DENO_DIR: empty, NO_PROXY: '', no_proxy: ''}
    for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY']) {
      proxied[name] = proxied[name.toLowerCase()] = own
    }
    child = cp.spawn(process.execPath, words, {env: proxied, stdio: 'ignore'})
    child.on('error', () => finish(''))
    child.on('exit', () => finish(''))
  })
})
const question = name => deno ? ['info', '--node-modules-dir=none', '--no-lock', name] : ['info', name]
const kind = deno ? 'npm:' : ''
const names = ['x', ...[...scopes].slice(0, maxScopes).map(scope => scope + '/x')].map(name => kind + name)
if (deno) names.push('jsr:@x/x')
const asked = Promise.all(names.map(name => destination(question(name))))
const place = cp.spawnSync(process.execPath, deno ? ['info', '--json'] : ['pm', 'cache'], {encoding: 'utf8'}).stdout
const cache = deno ? parsed(JSON.parse, place).denoDir : String(place).trim()
console.log(JSON.stringify({registries: (await asked).filter(url => url), cache}))
process.exit(0)
)js";

// As bun decides: variables, then the user's own bunfig.toml. Of one in the project, which bun
// reads too, nothing is taken: then the places are not known.
const std::string_view kBunPlaces = R"js(
const fs = require('fs'), path = require('path')
const env = process.env, home = env.XDG_CACHE_HOME || env.HOME || ''
const settings = file => {
  let text
  try { text = fs.readFileSync(file, 'utf8') } catch { return {} }
  return Bun.TOML.parse(text).install || {}
}
const tells = install => install.globalDir || install.globalBinDir
const own = [env.XDG_CONFIG_HOME, env.HOME].filter(at => at)
    .map(at => settings(path.join(at, '.bunfig.toml'))).find(tells) || {}
const below = (...names) => env.BUN_INSTALL ? path.join(env.BUN_INSTALL, ...names)
    : home ? path.join(home, '.bun', ...names) : ''
if (!tells(settings('bunfig.toml'))) {
  console.log(WHICH === 'packages'
      ? env.BUN_INSTALL_GLOBAL_DIR || own.globalDir || below('install', 'global')
      : env.BUN_INSTALL_BIN || own.globalBinDir || below('bin'))
}
)js";

}  // namespace sandbox_run::policy
