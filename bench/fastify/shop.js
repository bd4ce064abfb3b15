// What plugins/orders-rust does with an order that keeps the contract.
'use strict'

const PRODUCTS = new Map([
  ['book-01', { name: 'The Component Book', price: 3490, stock: 120 }],
  ['cup-01', { name: 'Cup, blue', price: 1250, stock: 40 }],
  ['cup-02', { name: 'Cup, white', price: 1190, stock: 0 }],
  ['pen-01', { name: 'Pencil', price: 85, stock: 5000 }],
])
const TAX_PER_MILLE = { austria: 200, germany: 190, switzerland: 81 }

/** Why an order has no price. */
class Unpriced extends Error {
  constructor(statusCode, tag, val) {
    super(tag)
    this.statusCode = statusCode
    this.error = { tag, val }
  }
}

function price(order) {
  const lines = linesOf(order.items)
  const subtotal = lines.reduce((sum, line) => sum + line.total, 0)
  const discount = discountOf(order.discount, subtotal)
  const delivery = deliveryOf(order.delivery) + (order.packing?.includes('gift') ? 250 : 0)
  const net = subtotal - discount + delivery
  const tax = Math.floor((net * TAX_PER_MILLE[order.customer.address.country] + 500) / 1000)
  return { lines, subtotal, discount, delivery, tax, total: net + tax, labels: order.labels ?? {} }
}

function linesOf(items) {
  const lines = []
  const unknown = []
  const short = []
  for (const { sku, qty } of items) {
    if (lines.some((line) => line.sku === sku)) {
      throw new Unpriced(400, 'invalid', `${JSON.stringify(sku)} is ordered twice`)
    }
    const product = PRODUCTS.get(sku)
    if (product === undefined) {
      unknown.push(sku)
    } else if (qty > product.stock) {
      short.push({ sku, wanted: qty, stock: product.stock })
    } else {
      lines.push({ sku, name: product.name, qty, price: product.price, total: product.price * qty })
    }
  }
  if (unknown.length > 0) throw new Unpriced(422, 'unprocessable', unknown)
  if (short.length > 0) throw new Unpriced(409, 'conflict', short)
  return lines
}

function discountOf(discount, subtotal) {
  if (discount == null) return 0
  if (discount.tag === 'percent') return Math.floor((subtotal * discount.val) / 100)
  if (discount.val <= subtotal) return discount.val
  throw new Unpriced(400, 'invalid', 'the discount is more than the items cost')
}

function deliveryOf(delivery) {
  if (delivery.tag === 'pickup') return 0
  if (delivery.tag === 'standard') return 490
  return 990 + 50 * Math.max(24 - delivery.val, 0)
}

module.exports = { price, Unpriced }
