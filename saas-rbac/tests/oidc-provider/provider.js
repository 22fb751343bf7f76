// An OpenID provider on loopback that signs everybody in whom the tests ask for.
//
// It makes its keys anew, listens on a free port of 127.0.0.1, prints its issuer when it is ready and
// ends with its standard input. `login_hint` of a request is the account: consent is
// given without asking, so a test is a browser with nothing but redirects and cookies.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const callback = 'http://127.0.0.1:9/callback';

// What the provider says of people. `ann` has verified the address, `eve` claims that of somebody.
const people = {
  ann: { email: 'ann@acme.test', email_verified: true, name: 'Ann Other' },
  ben: { email: 'ben@acme.test', email_verified: true, name: 'Ben' },
  eve: { email: 'ann@acme.test', email_verified: false, name: 'Eve' },
  mute: {},
};

const key = (kid, alg, kind, options) => {
  const { privateKey } = generateKeyPairSync(kind, options);
  return { ...privateKey.export({ format: 'jwk' }), kid, alg, use: 'sig' };
};
const keys = [
  key('r', 'RS256', 'rsa', { modulusLength: 2048 }),
  key('e', 'ES256', 'ec', { namedCurve: 'P-256' }),
  key('d', 'EdDSA', 'ed25519'),
];

const client = (client_id, more) => ({
  client_id,
  redirect_uris: [callback],
  grant_types: ['authorization_code'],
  response_types: ['code'],
  ...more,
});

const server = createServer();
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [
    client('club', { client_secret: 'a-secret/with:signs%and+plus', token_endpoint_auth_method: 'client_secret_basic' }),
    client('post', { client_secret: 'secret-of-post', token_endpoint_auth_method: 'client_secret_post' }),
    client('public', { token_endpoint_auth_method: 'none' }),
    client('edwards', { token_endpoint_auth_method: 'none', id_token_signed_response_alg: 'EdDSA' }),
    client('elliptic', { token_endpoint_auth_method: 'none', id_token_signed_response_alg: 'ES256' }),
  ],
  jwks: { keys },
  cookies: { keys: ['only for tests'] },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
  features: { devInteractions: { enabled: false } },
  pkce: { required: () => true },
  enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256', 'EdDSA'] },
  findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub, ...people[sub] }) }),
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  ttl: { AuthorizationCode: 60, AccessToken: 60, IdToken: 60, Interaction: 60, Session: 60, Grant: 60 },
});

async function interact(request, response) {
  const { prompt, params, session } = await provider.interactionDetails(request, response);
  if (prompt.name === 'login') {
    const login = { accountId: params.login_hint };
    return provider.interactionFinished(request, response, { login });
  }
  const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  const consent = { grantId: await grant.save() };
  return provider.interactionFinished(request, response, { consent }, { mergeWithLastSubmission: true });
}

const handle = provider.callback();
server.on('request', (request, response) => {
  if (!request.url.startsWith('/interaction/')) return handle(request, response);
  interact(request, response).catch((error) => {
    response.writeHead(500).end(String(error));
  });
});
console.log(issuer);
process.stdin.on('end', () => process.exit(0)).resume();
