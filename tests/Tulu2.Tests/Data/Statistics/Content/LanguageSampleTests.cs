using Tulu2.Data.Rows;
using Tulu2.Data.Statistics.Content;
using Xunit;

namespace Tulu2.Tests.Data.Statistics.Content;

public class LanguageSampleTests
{
    [Fact]
    public void The_same_rows_give_the_same_sample_in_any_order_and_all_parts_of_a_file_are_in_it()
    {
        LanguageSample forwards = new(), backwards = new();
        for (var row = 0; row < 20_000; row++) forwards.Offer(row, Dialogue(row));
        for (var row = 19_999; row >= 0; row--) backwards.Offer(row, Dialogue(row));
        var sample = forwards.Texts.Select(int.Parse).Order().ToList();
        Assert.Equal(sample, backwards.Texts.Select(int.Parse).Order());
        Assert.Equal(LanguageSample.Most, sample.Count);
        // A tenth of the rows has 50 of the 500 on average, and less than 25 in one file of ten thousand.
        Assert.All(Enumerable.Range(0, 10), tenth => Assert.InRange(sample.Count(row => row / 2000 == tenth), 25, 80));

        static Message[] Dialogue(int row) => [new(Message.User, $"{row}")];
    }

    [Theory]
    [InlineData("How do I boil an egg without breaking its shell?", "Put it into cold water and heat it slowly.", "English")]
    [InlineData("¿Cómo puedo cocer un huevo sin que se rompa?", "Ponlo en agua fría y caliéntalo poco a poco.", "Spanish")]
    [InlineData("Wie koche ich ein Ei, ohne dass die Schale bricht?", "Lege es in kaltes Wasser und erhitze es langsam.", "German")]
    [InlineData("怎样煮鸡蛋才不会破？", "把鸡蛋放进冷水里，慢慢加热。", "Chinese")]
    [InlineData("12", "34", "unknown")]
    [InlineData("What is 3 plus 1?", "4", "unknown")]
    public void A_language_is_told_by_the_first_question_and_answer(string question, string answer, string language)
    {
        var sample = new LanguageSample();
        sample.Offer(0, [new(Message.System, "Du bist ein hilfreicher Assistent."), new(Message.User, question), new(Message.Assistant, answer)]);
        var result = sample.Result();
        Assert.Equal((1, new LanguageCount(language, 1)), (result.Sampled, Assert.Single(result.Languages)));
    }
}
