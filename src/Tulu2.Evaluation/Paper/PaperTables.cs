using static Tulu2.Evaluation.Paper.PaperColumns;

namespace Tulu2.Evaluation.Paper;

/// <summary>Tables 1 to 6 and 8 of arXiv 2311.10702, as far as their numbers are known (docs/reports.md).</summary>
public static class PaperTables
{
    private static readonly PaperMeasure[] SevenColumns = [.. Seven], EightColumns = [.. Eight];

    /// <summary>Every row whose seven numbers are known.</summary>
    public static PaperTable One { get; } = new(1, "models on the seven evaluations", SevenColumns, Seven,
    [
        PaperRowText.Row("GPT-4-0613", null, SevenColumns, "81.4 95.0 89.1 65.2 87.0 91.2 0.6", "86.9"),
        PaperRowText.Row("GPT-3.5-turbo-0613", null, SevenColumns, "65.7 76.5 70.8 51.2 88.0 91.8 0.5", "77.6S"),
        PaperRowText.Row("GPT-3.5-turbo-0301", null, SevenColumns, "67.9 76.0 66.1 51.9 88.4 83.6 27.7", "72.3S"),
        PaperRowText.Row("Zephyr-beta 7B", null, SevenColumns, "58.6 28.0 44.9 23.7 54.3 86.3 64.0", "47.4"),
        PaperRowText.Row("Xwin-LM 70B", null, SevenColumns, "65.0 65.5 65.6 38.2 66.1 95.8 12.7", "69.1"),
        PaperRowText.Row("Llama-2-Chat 7B", null, SevenColumns, "46.8 12.0 25.6 22.7 24.0 87.3 0.0", "45.4"),
        PaperRowText.Row("Llama-2-Chat 13B", null, SevenColumns, "53.2 9.0 40.3 32.1 33.1 91.4 0.0", "51.3"),
        PaperRowText.Row("Llama-2-Chat 70B", null, SevenColumns, "60.9 59.0 49.0 44.4 52.1 94.5 0.0", "65.7"),
        .. Tulu(),
    ]);

    public static PaperTable Two { get; } = new(2, "the V1 and V2 mixtures", EightColumns, Eight,
    [
        PaperRowText.Row("ShareGPT only 7B", Sft(7, "sharegpt"), EightColumns, "47.8 20.0 41.5 24.0 29.2 72.3 12.6 54.1", "47.0"),
        PaperRowText.Row("V1 7B", Sft(7, "v1"), EightColumns, "49.2 37.0 44.2 52.9 33.9S 64.5S 39.9 40.8", "47.8S"),
        PaperRowText.Row("V2 7B", Sft(7), EightColumns, "50.4 34.0 48.5 46.4 36.9S 73.9S 7.0 50.2", "54.2S"),
        PaperRowText.Row("V1 13B", Sft(13, "v1"), EightColumns, "52.3 53.0 50.6 58.8 38.9 67.7 18.7 45.3", "56.0S"),
        PaperRowText.Row("V2 13B", Sft(13), EightColumns, "55.4 46.0 49.5 53.2 49.0 78.9 1.7 55.8", "60.8S"),
        PaperRowText.Row("V1 70B", Sft(70, "v1"), EightColumns, "67.3 74.5 67.5 56.8 65.4 82.8 0.0 57.9", "71.5S"),
        PaperRowText.Row("V2 70B", Sft(70), EightColumns, "67.3 73.0 68.4 53.6 68.5 86.6 0.5 62.2", "72.4S"),
    ])
    {
        Notes = ["The paper's summary says that BBH improves with V2 at every size; in the 13B rows it falls, so that one of the two is misremembered."],
    };

    public static PaperTable Three { get; } = new(3, "DPO after instruction tuning", SevenColumns, Seven, [.. Tulu()])
    {
        Notes = ["The paper's summary states the differences of AlpacaEval (+11.2, +10.6, +8.5) and TyDiQA (−1.9, −13.5, −17.8) at 7B, 13B and 70B; these numbers agree with all six."],
    };

    public static PaperTable Four { get; } = new(4, "open-ended generation", [MtBench, AlpacaEval, Length], [],
    [
        PaperRowText.Row("TÜLU 2 7B", Sft(7), [MtBench, AlpacaEval], "6.30H 73.9H"),
        PaperRowText.Row("TÜLU 2+DPO 7B", Dpo(7), [MtBench, AlpacaEval], "6.29H 85.1H"),
        PaperRowText.Row("TÜLU 2 13B", Sft(13), [MtBench, AlpacaEval], "6.70H 78.9H"),
        PaperRowText.Row("TÜLU 2+DPO 13B", Dpo(13), [MtBench, AlpacaEval], "7.00H 89.5H"),
        PaperRowText.Row("TÜLU 2 70B", Sft(70), [MtBench, AlpacaEval], "7.49S 86.6S"),
        PaperRowText.Row("TÜLU 2+DPO 70B", Dpo(70), [MtBench, AlpacaEval], "7.89S 95.1S"),
        // Runs of the paper's models by others, whose verdicts are public.
        PaperRowText.Row("TÜLU 2+DPO 7B, AlpacaEval's leaderboard", null, [AlpacaEval, Length], "84.22C 1663.67C"),
        PaperRowText.Row("TÜLU 2+DPO 13B, AlpacaEval's leaderboard", null, [AlpacaEval, Length], "88.12C 1614.78C"),
        PaperRowText.Row("TÜLU 2+DPO 70B, AlpacaEval's leaderboard", null, [AlpacaEval, Length], "95.03C 1418.38C"),
    ])
    {
        Notes =
        [
            "An older card has 6.27 for the MT-Bench score of TÜLU 2+DPO 7B.",
            "The paper's own output lengths are not known well enough to be printed. The leaderboard's are those of its own outputs, judged by GPT-4; it differs from the paper by about a point.",
        ],
    };

    public static PaperTable Five { get; } = new(5, "QLoRA and full fine-tuning", [.. EightColumns, Gap], Eight,
    [
        PaperRowText.Row("QLoRA 7B", QLora(7), [AlpacaEval, Gap], "56.1S -5.3S"),
        Two.Rows[2] with { Name = "Full 7B" },
        PaperRowText.Row("QLoRA 13B", QLora(13), [Gap], "-3.6S"),
        Two.Rows[4] with { Name = "Full 13B" },
        PaperRowText.Row("QLoRA 70B", QLora(70), [AlpacaEval, Gap], "78.6S -2.4S"),
        Two.Rows[6] with { Name = "Full 70B" },
    ])
    {
        Notes = ["Of the QLoRA rows only these cells are known."],
    };

    public static PaperTable Six { get; } = new(6, "Code TÜLU 2", EightColumns, Eight,
    [
        PaperRowText.Row("Code TÜLU 2 7B", Code(7), [CodexEval, AlpacaEval], "68.9S 58.0S"),
        PaperRowText.Row("Code TÜLU 2 13B", Code(13), [CodexEval], "76.2S"),
        PaperRowText.Row("Code TÜLU 2 34B", Code(34), [CodexEval], "82.5S"),
    ])
    {
        Notes = ["Of these rows only these cells are known."],
    };

    public static PaperTable EightByCategory { get; } = new(8, "MT-Bench by category", [.. Categories], [],
    [
        PaperRowText.Row("TÜLU 2 70B", Sft(70), [Categories[1], Categories[0]], "8.30S 9.15S"),
        PaperRowText.Row("TÜLU 2+DPO 70B", Dpo(70), [Categories[1], Categories[0]], "9.25S 9.25S"),
    ])
    {
        Notes = ["Only two categories of these rows are known."],
    };

    public static IReadOnlyList<PaperTable> All { get; } = [One, Two, Three, Four, Five, Six, EightByCategory];

    private static IEnumerable<PaperRow> Tulu() =>
    [
        PaperRowText.Row("TÜLU 2 7B", Sft(7), SevenColumns, "50.4 34.0 48.5 46.4 36.9S 73.9S 7.0", "54.7"),
        PaperRowText.Row("TÜLU 2+DPO 7B", Dpo(7), SevenColumns, "50.7 34.5 45.5 44.5 40.0 85.1H 0.5", "56.3"),
        PaperRowText.Row("TÜLU 2 13B", Sft(13), SevenColumns, "55.4 46.0 49.5 53.2 49.0S 78.9H 1.7", "61.5"),
        PaperRowText.Row("TÜLU 2+DPO 13B", Dpo(13), SevenColumns, "55.3 49.5 49.4 39.7 48.9 89.5H 1.1", "61.6"),
        PaperRowText.Row("TÜLU 2 70B", Sft(70), SevenColumns, "67.3 73.0 68.4 53.6 68.5 86.6S 0.5", "73.8S"),
        PaperRowText.Row("TÜLU 2+DPO 70B", Dpo(70), SevenColumns, "67.8 71.5 66.0 35.8 68.9 95.1S 0.2", "72.1"),
    ];

    private static ModelTraits Sft(int billions, string mixture = "v2") =>
        new() { IsTulu = true, Billions = billions, Preferences = false, Mixture = mixture, Quantized = false, Code = false };

    private static ModelTraits Dpo(int billions) => Sft(billions) with { Preferences = true };

    private static ModelTraits QLora(int billions) => Sft(billions) with { Quantized = true };

    private static ModelTraits Code(int billions) => Sft(billions) with { Code = true };
}
