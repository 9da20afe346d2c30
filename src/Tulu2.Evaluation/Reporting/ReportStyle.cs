namespace Tulu2.Evaluation.Reporting;

/// <summary>The report's style sheet. The attribute selectors at its end replace <see cref="SvgChart"/>'s placeholder colours.</summary>
internal static class ReportStyle
{
    public static readonly string Css = """
        :root { color-scheme: light dark; --ground: #f7f7f5; --card: #ffffff; --ink: #1d2126; --soft: #5c6570; --line: #dfe2e6; --accent: #1f5fbf;
          --good: #1a7f4b; --bad: #b3261e; --series1: #1f5fbf; --series2: #c4570c; --series3: #1a7f4b; --series4: #8139b8; }
        @media (prefers-color-scheme: dark) {
          :root { --ground: #14171b; --card: #1c2026; --ink: #e7eaee; --soft: #9da7b3; --line: #333a43; --accent: #7db1ff;
            --good: #62cf97; --bad: #ff8f86; --series1: #7db1ff; --series2: #ffab6b; --series3: #62cf97; --series4: #cf9cff; } }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif; }
        main { max-width: 1120px; margin: 0 auto; padding: 32px 20px 64px; }
        h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 4px; } h2 { font-size: 1.25rem; margin: 0 0 12px; } h3 { font-size: 1rem; margin: 20px 0 8px; }
        header p { color: var(--soft); margin: 0 0 24px; } header span { display: inline-block; }
        section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 20px 22px; margin: 0 0 20px; }
        table { border-collapse: collapse; width: 100%; margin: 0 0 8px; font-variant-numeric: tabular-nums; }
        caption { text-align: left; color: var(--soft); font-size: .875rem; padding: 0 0 6px; }
        th, td { text-align: left; padding: 6px 16px 6px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
        th:last-child, td:last-child { padding-right: 0; }
        thead th { color: var(--soft); font-size: .875rem; font-weight: 600; } tbody th { font-weight: 600; }
        .figure { text-align: right; white-space: nowrap; } thead .figure { white-space: normal; } .long { overflow-wrap: anywhere; min-width: 12em; } .short { white-space: nowrap; }
        .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 20px 28px; }
        figure { margin: 0; min-width: 0; max-width: 640px; } figcaption { font-weight: 600; font-size: .95rem; }
        .legend { font-weight: 400; color: var(--soft); font-size: .85rem; } .key { margin-left: 12px; display: inline-block; }
        .key::before { content: ""; display: inline-block; width: 16px; height: 3px; border-radius: 2px; margin-right: 5px; vertical-align: middle; background: var(--key); }
        .key1 { --key: var(--series1); } .key2 { --key: var(--series2); } .key3 { --key: var(--series3); } .key4 { --key: var(--series4); } .key.light::before { opacity: .35; }
        svg { display: block; width: 100%; height: auto; } svg text { fill: var(--soft); font: 12px system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
        .scales { position: relative; min-width: 0; max-width: 640px; } .scales figcaption { padding-right: 100px; } .scales .legend { display: block; margin-right: -100px; } .scales .key { margin: 0 12px 0 0; }
        .scales input { position: absolute; opacity: 0; pointer-events: none; }
        .scales label { position: absolute; top: 0; right: 0; padding: 0 8px; font-size: .8rem; color: var(--soft); border: 1px solid var(--line); border-radius: 0 6px 6px 0; cursor: pointer; }
        .scales label:first-of-type { right: 37px; border-radius: 6px 0 0 6px; } .scales label:last-of-type { width: 38px; text-align: center; }
        .scales input:checked + label { color: var(--card); background: var(--accent); border-color: var(--accent); }
        .scales input:focus-visible + label { outline: 2px solid var(--ink); outline-offset: 1px; }
        .scales input:first-of-type:checked ~ .logarithmic, .scales input:last-of-type:checked ~ .linear { display: none; }
        .facts { width: auto; min-width: 50%; } .facts th, .facts td { padding-top: 4px; padding-bottom: 4px; } .facts th[scope=row] { font-weight: 400; color: var(--soft); }
        .note { color: var(--soft); font-size: .875rem; margin: 0 0 10px; }
        details { margin: 8px 0 0; } summary { cursor: pointer; color: var(--accent); } details pre { margin: 8px 0 0; padding: 12px; background: var(--ground); border-radius: 8px; }
        .sample { border: 1px solid var(--line); border-left-width: 4px; border-radius: 8px; padding: 10px 14px; margin: 0 0 10px; }
        .sample.right { border-left-color: var(--good); } .sample.wrong { border-left-color: var(--bad); }
        .sample dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 14px; margin: 0; } .sample dt { color: var(--soft); font-size: .875rem; }
        .sample dd { margin: 0; min-width: 0; } pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: isolate; font: .875rem/1.45 ui-monospace, Consolas, "DejaVu Sans Mono", monospace; }
        .verdict { font-weight: 600; font-size: .875rem; margin: 0 0 6px; } .right .verdict { color: var(--good); } .wrong .verdict { color: var(--bad); }
        @media (max-width: 720px) {
          main { padding: 20px 12px 40px; } section { padding: 16px 14px; } h1 { font-size: 1.5rem; overflow-wrap: anywhere; }
          thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
          table, caption, tbody, tr, tbody th { display: block; } tr { padding: 6px 0; border-bottom: 1px solid var(--line); }
          th, td { border: 0; padding: 2px 0; } td { display: flex; justify-content: space-between; gap: 16px; text-align: right; min-width: 0; white-space: normal; }
          td::before { content: attr(data-label); color: var(--soft); font-size: .875rem; text-align: left; flex: none; }
          td.long { display: block; text-align: left; min-width: 0; } td.long::before { display: block; } .long { min-width: 0; }
          .facts.one tr { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 16px; } .facts.one td { margin-left: auto; } .facts.one td.long { margin-left: 0; }
          .facts.one td::before, .events td::before { content: none; } .events td { display: block; text-align: left; }
          .sample dl { grid-template-columns: 1fr; gap: 0; } .sample dd { margin: 0 0 6px; } svg text { font-size: 15px; }
          .key { margin-left: 0; margin-right: 12px; } .legend { display: block; }
        }
        @media print { section { break-inside: avoid; } }

        """ + GoodputSection.Css + Colors();

    private static string Colors() =>
        string.Concat(SvgChart.SeriesColors.Select((mark, i) => Rule(mark, $"var(--series{i + 1})")))
        + string.Concat(SvgChart.LightColors.Select((mark, i) => Rule(mark, $"var(--series{i + 1})", "; stroke-opacity: .35")))
        + Rule(SvgChart.GridColor, "var(--line)") + Rule(SvgChart.FrameColor, "var(--soft)");

    private static string Rule(string mark, string color, string more = "") =>
        $".chart [stroke=\"{mark}\" i] {{ stroke: {color}{more}; }} .chart [fill=\"{mark}\" i] {{ fill: {color}; }}\n";
}
