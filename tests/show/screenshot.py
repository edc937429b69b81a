"""a page in -> a picture of its paper, with a digit drawn, out: `make screenshot`, for the README."""

import sys
from pathlib import Path

from PIL import Image, ImageOps
from selenium import webdriver
from selenium.webdriver import ActionChains

MARGIN, BORDER, COLOUR = 16, 1, "#d8dee4"  # pixels below the part that is shown, and around it
SEVEN = [(-60, -80), (60, -80), (-10, 90)]  # from the middle of the paper


def main(page, picture):
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in ("--headless=new", "--no-sandbox", "--hide-scrollbars"):
        options.add_argument(argument)
    driver = webdriver.Chrome(options, webdriver.ChromeService("/usr/bin/chromedriver"))
    driver.set_window_size(860, 1180)
    driver.get(page.resolve().as_uri())
    paper = driver.find_element("id", "paper")
    chain = ActionChains(driver).move_to_element_with_offset(paper, *SEVEN[0]).click_and_hold()
    for place in SEVEN[1:]:
        chain.move_to_element_with_offset(paper, *place)
    chain.release().perform()
    end = driver.execute_script(
        "return document.querySelector('.draw').getBoundingClientRect().bottom"
    )
    driver.save_screenshot(str(picture))
    driver.quit()
    with Image.open(picture) as image:
        cut = image.convert("RGB").crop((0, 0, image.width, round(end) + MARGIN))
    ImageOps.expand(cut, BORDER, COLOUR).save(picture, optimize=True)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
