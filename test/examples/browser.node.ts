/* eslint-disable no-console */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { expect } from 'aegir/chai'
import { chromium } from 'playwright-core'

const EXECUTABLES = [process.env.CHROMIUM_PATH, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const SCREENSHOTS = '.tmp-screenshots'

describe('examples/browser, in a browser', function () {
  this.timeout(120_000)

  it('is a page whose node connects, and says why another dial fails', async function () {
    const executablePath = EXECUTABLES.find(path => path != null && existsSync(path))

    if (executablePath == null) {
      console.info('    skipped: there is no Chromium. Install one, e.g. with "apt-get install chromium", or set CHROMIUM_PATH')
      return this.skip()
    }

    const example = spawn(process.execPath, ['examples/browser/index.ts', '--page'], { stdio: ['ignore', 'pipe', 'inherit'] })
    const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })

    try {
      const [line] = await once(example.stdout, 'data')
      const page = await browser.newPage()
      await page.goto(/http\S+/.exec(String(line))?.[0] ?? '')
      await page.locator('body[data-done]').waitFor()
      await mkdir(SCREENSHOTS, { recursive: true })
      await page.screenshot({ path: `${SCREENSHOTS}/example-browser.png` })
      const [connected, count, answer, failure] = await page.locator('li').allTextContents()

      expect(connected).to.match(/^connected to 12D3KooW/)
      expect(count).to.equal('1 of at most 24 connections')
      expect(answer).to.equal('and it answers')
      expect(failure).to.match(/^Could not connect to 12D3KooW/)
    } finally {
      await browser.close()
      example.kill()
    }
  })
})
