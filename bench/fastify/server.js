// The two endpoints in fastify, with schemas that have the rules of plugins/orders-rust/wit/orders.wit: of the body, which is
// validated, and of the answer, which makes its serialiser. Arguments: fastify's folder, the port.
'use strict'

const path = require('node:path')
const { createRequire } = require('node:module')
const { price, Unpriced } = require('./shop.js')

const [, , modules, port] = process.argv
const fastify = createRequire(path.join(path.resolve(modules), 'package.json'))('fastify')

const integer = (minimum, maximum) => ({ type: 'integer', minimum, maximum })
const strict = (properties, optional = []) => ({
  type: 'object',
  properties,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
  additionalProperties: false,
})
const string = { type: 'string' }
const cents = integer(0, Number.MAX_SAFE_INTEGER)
const labels = { type: 'object', additionalProperties: string }
const tagged = (tag, val) => strict(val ? { tag: { const: tag }, val } : { tag: { const: tag } })
const variant = (...cases) => ({ type: 'object', required: ['tag'], discriminator: { propertyName: 'tag' }, oneOf: cases })

const order = strict(
  {
    customer: strict(
      {
        name: string,
        email: { type: 'string', format: 'email' },
        address: strict({
          street: string,
          city: string,
          postal_code: string,
          country: { enum: ['austria', 'germany', 'switzerland'] },
        }),
      },
      ['email'],
    ),
    items: { type: 'array', minItems: 1, items: strict({ sku: string, qty: integer(1, 2 ** 32 - 1) }) },
    delivery: variant(tagged('pickup'), tagged('standard'), tagged('express', integer(1, 255))),
    packing: { type: 'array', items: { enum: ['gift', 'fragile', 'plastic-free'] } },
    discount: variant(tagged('percent', integer(0, 100)), tagged('amount', cents)),
    labels,
  },
  ['packing', 'discount', 'labels'],
)

const line = strict({ sku: string, name: string, qty: cents, price: cents, total: cents })
const pricedOrder = strict({
  lines: { type: 'array', items: line },
  subtotal: cents,
  discount: cents,
  delivery: cents,
  tax: cents,
  total: cents,
  labels,
})

const app = fastify({
  logger: false,
  // Without these, it would take unknown members away, and make numbers of strings.
  ajv: { customOptions: { removeAdditional: false, coerceTypes: false, discriminator: true } },
})

app.setErrorHandler((error, request, reply) => {
  const isOfOperation = error instanceof Unpriced
  const status = error.validation ? 422 : (error.statusCode ?? 500)
  reply.code(status).header('content-type', 'application/problem+json')
  return reply.serializer(JSON.stringify).send({
    type: isOfOperation ? '/problems/operation-error' : '/problems/invalid-request',
    title: isOfOperation ? 'The operation answered with an error' : 'The request does not fit the contract',
    status,
    ...(isOfOperation ? { error: error.error } : { detail: error.message }),
  })
})

app.get('/hello', { schema: { response: { 200: strict({ message: string }) } } }, async () => ({ message: 'Hello!' }))
app.post('/orders', { schema: { body: order, response: { 200: pricedOrder } } }, async (request) => price(request.body))

app.listen({ host: '127.0.0.1', port: Number(port) }).then((address) => console.log(`Listening on ${address}`))
