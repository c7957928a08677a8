// The slider of a roll-out: whole steps for the hand, hundredths in the field, which is what is sent.

function begin() {
  for (const slider of document.querySelectorAll("[data-slider-of][hidden]")) follow(slider);
}

function follow(slider) {
  const number = document.getElementById(slider.dataset.sliderOf);
  const take = () => {
    slider.value = number.value || "0";
    tell();
  };
  const tell = () => slider.setAttribute("aria-valuetext", number.value ? `${number.value} %` : "no roll-out");
  slider.hidden = false;
  slider.addEventListener("input", () => {
    number.value = slider.value;
    tell();
  });
  number.addEventListener("input", take);
  // After the browser has put back what was written before a reload.
  addEventListener("pageshow", take);
  take();
}

// A form that came anew has a slider of its own.
document.body.addEventListener("colloquy:fresh", begin);
begin();
