// The slider of a roll-out: whole steps for the hand, hundredths in the field, which is what is sent.

for (const slider of document.querySelectorAll("[data-slider-of]")) {
  const number = document.getElementById(slider.dataset.sliderOf);
  const follow = () => {
    slider.value = number.value || "0";
    tell();
  };
  const tell = () => slider.setAttribute("aria-valuetext", number.value ? `${number.value} %` : "no roll-out");
  slider.hidden = false;
  slider.addEventListener("input", () => {
    number.value = slider.value;
    tell();
  });
  number.addEventListener("input", follow);
  // After the browser has put back what was written before a reload.
  addEventListener("pageshow", follow);
  follow();
}
