using Tulu2.Files;

namespace Tulu2.Evaluation.Benchmarks.TydiQa;

/// <summary>The words of a language's prompt, as open-instruct has them.</summary>
/// <param name="Name">As the ids of its questions begin.</param>
/// <param name="Examples">Number of questions of its training file, from which an example is drawn; counted over the published files.</param>
internal sealed record TydiQaLanguage(string Name, string Instruction, string Passage, string Question, string Answer, int Examples)
{
    public static IReadOnlyList<TydiQaLanguage> All { get; } =
    [
        new("arabic", "أجب على السؤال التالي بناءً على المعلومات في المقطع المعطى.", "المقطع:", "السؤال:", "الإجابة:", 14805),
        new("bengali", "প্রদত্ত অধ্যায়ের তথ্যের উপর ভিত্তি করে নিম্নলিখিত প্রশ্নের উত্তর দিন।", "অধ্যায়:", "প্রশ্ন:", "উত্তর:", 2390),
        new("english", "Answer the following question based on the information in the given passage.", "Passage:", "Question:", "Answer:", 3696),
        new("finnish", "Vastaa seuraavaan kysymykseen annetun kappaleen tiedon perusteella.", "Kappale:", "Kysymys:", "Vastaus:", 6855),
        new("indonesian", "Jawab pertanyaan berikut berdasarkan informasi di bagian yang diberikan.", "Bagian:", "Pertanyaan:", "Jawaban:", 5702),
        new("korean", "주어진 문단의 정보에 기반하여 다음 질문에 답하십시오.", "문단:", "질문:", "답변:", 1625),
        new("russian", "Ответьте на следующий вопрос на основе информации в данном отрывке.", "Отрывок:", "Вопрос:", "Ответ:", 6490),
        new("swahili", "Jibu swali lifuatalo kulingana na habari kwenye kifungu kilichotolewa.", "Kifungu:", "Swali:", "Jibu:", 2755),
        new("telugu", "ఇచ్చిన పేరాలోని సమాచారం ఆధారంగా కింది ప్రశ్నకు సమాధానం ఇవ్వండి.", "పేరా:", "ప్రశ్న:", "సమాధానం:", 5563),
    ];

    /// <exception cref="BadInputException">There is no prompt in that language.</exception>
    public static TydiQaLanguage Of(string name, string where) => All.FirstOrDefault(language => language.Name == name)
        ?? throw new BadInputException(where, $"its id names the language '{name}', for which there is no prompt", $"give questions in {string.Join(", ", All.Select(language => language.Name))}");

    /// <summary>The prompt up to the answer's word; it ends with a line feed.</summary>
    /// <param name="examples">Passage, question and answer of each.</param>
    public string Prompt(IEnumerable<(string Passage, string Question, string Answer)> examples, string passage, string question)
    {
        var shown = string.Concat(examples.Select(example => $"{Passage} {example.Passage}\n{Question} {example.Question}\n{Answer} {example.Answer}\n\n"));
        return $"{Instruction}\n\n{shown}{Passage} {passage}\n{Question} {question}\n";
    }
}
