// A table whose rows keep their elements for as long as their ids are shown: a refresh changes the cells that differ,
// and neither focus nor a selection of text is lost. (QTable creates all rows again at each change of the page.)
export default {
  template: `
    <div class="q-table__container">
      <div ref="frame" class="q-table__middle" v-bind="scrolls ? { tabindex: 0, role: 'region', 'aria-label': label } : {}">
        <table class="q-table" role="table" :aria-label="label">
          <thead role="rowgroup"><component :is="head" :row="state" /></thead>
          <tbody role="rowgroup">
            <tr v-for="row in waiting" :key="-row" class="mp-waiting" aria-hidden="true">
              <td v-for="cell in width"><span class="mp-skel"></span></td>
            </tr>
            <component :is="body" v-for="row in rows" :key="row.id" :row="row" />
            <component :is="bottom" v-if="footer" :row="state" />
          </tbody>
        </table>
      </div>
    </div>
  `,
  props: { label: String, heading: String, line: String, footer: String, rows: Array, state: Object, width: Number, waiting: Number },
  data: () => ({ scrolls: false }),
  created() {
    const part = (template) => ({
      props: ["row"],
      computed: {
        props() {
          return { row: this.row };
        },
      },
      template,
    });
    this.head = part(this.heading);
    this.body = part(this.line);
    this.bottom = part(this.footer);
  },
  mounted() {
    this.watcher = new ResizeObserver(() => {
      this.scrolls = this.$refs.frame.scrollWidth > this.$refs.frame.clientWidth;
    });
    this.watcher.observe(this.$refs.frame);
    this.watcher.observe(this.$refs.frame.firstElementChild);
  },
  beforeUnmount() {
    this.watcher.disconnect();
  },
};
