namespace Tulu2.Evaluation.Reporting.Evaluations;

/// <summary>The page's script: search and filter of items, and sorting of tables. Without it everything is there, in order.</summary>
internal static class EvaluationScript
{
    public const string Text = """

        'use strict';
        const page = 25;
        for (const list of document.querySelectorAll('details.items')) {
          const cards = [...list.querySelectorAll('.item')], controls = list.querySelector('.controls'), more = list.querySelector('.more');
          const search = controls.querySelector('input'), show = controls.querySelector('select'), status = controls.querySelector('[role=status]');
          let most = page;
          const fits = card => {
            const right = card.dataset.right.split(' '), [what, model] = show.value.split('-');
            if (what === 'differ') return new Set(right).size > 1;
            if (what) return right[model] === (what === 'right' ? '1' : '0');
            return true;
          };
          const update = () => {
            const text = search.value.toLowerCase();
            const found = cards.filter(card => fits(card) && (!text || card.textContent.toLowerCase().includes(text)));
            const seen = new Set(found.slice(0, most));
            for (const card of cards) card.hidden = !seen.has(card);
            more.hidden = seen.size === found.length;
            status.textContent = `${found.length.toLocaleString('en')} found, ${seen.size.toLocaleString('en')} shown`;
          };
          for (const control of [search, show]) control.addEventListener('input', () => { most = page; update(); });
          more.addEventListener('click', () => { most += page; update(); });
          controls.hidden = false;
          update();
        }
        for (const table of document.querySelectorAll('table.sortable')) {
          const heads = [...table.querySelectorAll('thead th')], body = table.tBodies[0];
          const key = (row, index) => row.cells[index].dataset.value === undefined ? row.cells[index].textContent.trim() : Number(row.cells[index].dataset.value);
          const sort = (index, way) => {
            const rows = [...body.rows].sort((one, other) => {
              const a = key(one, index), b = key(other, index);
              if (typeof a !== typeof b) return typeof a === 'number' ? -1 : 1;
              return (typeof a === 'number' ? a - b : a.localeCompare(b)) * way;
            });
            body.append(...rows);
            heads.forEach((head, i) => i === index ? head.setAttribute('aria-sort', way > 0 ? 'ascending' : 'descending') : head.removeAttribute('aria-sort'));
          };
          const first = index => index > 1 && !heads[index].textContent.includes('↓') ? -1 : 1;
          heads.forEach((head, index) => {
            const button = document.createElement('button');
            button.type = 'button';
            button.append(...head.childNodes);
            head.append(button);
            button.addEventListener('click', () => sort(index, head.hasAttribute('aria-sort') ? (head.getAttribute('aria-sort') === 'ascending' ? -1 : 1) : first(index)));
          });
          const choice = document.createElement('select'), label = document.createElement('label');
          label.className = 'sort';
          label.append('Sort by ', choice);
          heads.forEach((head, index) => choice.add(new Option(head.textContent, index)));
          choice.value = 1;
          choice.addEventListener('input', () => sort(Number(choice.value), first(Number(choice.value))));
          table.before(label);
        }

        """;
}
