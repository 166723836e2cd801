// A Plotly chart. The library is loaded when the first chart of a page is drawn, and is then the global `Plotly`.
export default {
  template: "<div></div>",
  props: { figure: Object, library: String },
  async mounted() {
    await import(this.library);
    if (!this.$el.isConnected) return; // removed while the library was loading
    await this.draw();
    this.$el.on("plotly_click", (event) => this.$emit("point", event.points[0].pointIndex));
    this.$watch("figure", this.draw);
    this.watcher = new ResizeObserver(() => Plotly.Plots.resize(this.$el));
    this.watcher.observe(this.$el);
  },
  unmounted() {
    this.watcher?.disconnect();
  },
  methods: {
    draw() {
      const { data, layout, config } = this.figure;
      return Plotly.react(this.$el, data, layout, config);
    },
  },
};
