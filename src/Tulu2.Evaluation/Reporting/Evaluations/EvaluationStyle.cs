namespace Tulu2.Evaluation.Reporting.Evaluations;

/// <summary>Rules of the evaluation's parts of a page.</summary>
internal static class EvaluationStyle
{
    public static readonly string Css = """
        main { max-width: 1500px; }
        .report td { display: table-cell; } .report th, .report td { padding: 5px 12px 5px 0; font-size: .875rem; }
        .report thead th { font-size: .8125rem; } .report small { color: var(--soft); font-size: .75rem; white-space: nowrap; }
        .report .interval { display: block; } .report tbody th { overflow-wrap: normal; } .report td::before { content: none; }
        .report tr.paper th, .report tr.paper td { color: var(--soft); font-weight: 400; } .report tr.difference th, .report tr.difference td { font-style: italic; font-weight: 400; }
        .sortable thead button { all: unset; cursor: pointer; } .sortable thead button:focus-visible { outline: 2px solid var(--accent); } .sortable [aria-sort=ascending] button::after { content: " ▲"; }
        .sortable [aria-sort=descending] button::after { content: " ▼"; } .sort { display: block; margin: 0 0 10px; color: var(--soft); font-size: .875rem; }
        .items > summary, section > details > summary { font-weight: 600; padding: 4px 0; } .controls { display: flex; flex-wrap: wrap; align-items: center; gap: 6px 10px; margin: 8px 0 14px; font-size: .875rem; }
        .controls[hidden], .item[hidden], .more[hidden] { display: none; } .controls span { color: var(--soft); } .controls select { max-width: 100%; }
        input[type=search], select, .more { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: 4px 8px; min-width: 0; }
        .more { cursor: pointer; padding: 6px 16px; }
        .item { border: 1px solid var(--line); border-radius: 8px; padding: 10px 14px; margin: 0 0 10px; min-width: 0; } .item h3 { margin: 0 0 6px; overflow-wrap: anywhere; }
        .answer { border-left: 4px solid var(--bad); padding: 0 0 0 10px; margin: 10px 0 0; min-width: 0; } .answer.right { border-left-color: var(--good); } .answer .verdict b { color: var(--ink); font-weight: 600; }
        .text { margin: 4px 0; } .text > i { color: var(--soft); font-size: .8125rem; font-style: normal; } .text pre { padding: 6px 10px; background: var(--ground); border-radius: 6px; }
        .note { overflow-wrap: break-word; }

        """ + TableHtml.Css();
}
