"""Stems of the vocabulary in other languages, which inflect: a word that begins with one plays its part."""

from __future__ import annotations

from functools import lru_cache

from governance.guardrails.injection.views import plain_word
from governance.guardrails.injection.words import PARTS, Part

_SHORTEST = 2

# A stem that ends in "." is the whole word.
_STEMS = {
    Part.DROP: "ignorier vergiss. vergesst. missacht übergeh hinweg verwirf oubli ignorez. abstraction olvida olvide "
    "ignora. ignorad ignores. esqueça esqueca. desconsider descart dimentic trascura lascia "
    "negeer vergeet zignoruj ignoruj zapomnij pomiń игнорир проигнор забуд отбрось отмени. пренебре "
    "تجاهل انس. تغاض अनदेख अनदेखा नजरअंदाज नज़रअंदाज भूल yoksay yok. unut. unutun. görmezden dikkate "
    "laisse. laissez. ignora. boş. проігнор ігнор uită ignoră. zapomeň zapomen glöm. bortse ignorér αγνοησ ξεχασ התעלם שכח abaikan lupakan نادیده فراموش "
    "отключи "
    "bort. bortser glem. glemme. strunta åsidosätt tilsidesæt tilsidesett ignorera. ignorer. unohda unohta ohita. ohittak sivuuta huomiotta hagyd hagyj felejts zabudni. zabudnite zanemar ignoriraj ignoriši "
    "zaboravi prezri pozabi ignoruok pamiršk nepaisyk ignorējiet. aizmirst eira. eirake ignoreeri unusta hunsað gleymdu anwybydd anghofia. anghofiwch. ignoreer balewalain kalimutan injoro shpërfill harro. nəzərə. almayın անտեսիր մոռացիր புறக்கணி दुर्लक्ष விட்டுவிடு విస్మర మర్చిపో. మర్చిపోండి. انداز. بھول. უგულებელყ დაივიწყ елеме ұмыт. ұмытың ұмытып. пренебрегни неглижир",
    Part.NAY: "nicht. keine. nie. niet. geen. ne. pas. plus. non. no. não. nao. nunca. jamais. não. не. ни. nie. "
    "لا. لن. मत. न. नहीं. lam. لم. değil "
    "hör. arrête. arrêtez. cesse. cessez. deja. deje. pare. smetti smettila. przestań перестан прекрат bırak "
    "inte. ikke. ikkje. älä. älkää. ära. ärge. nemoj nemojte. ekki. peidiwch. mos. huwag. ez. մի. არ. नका. नको. مت. недей недейте.",
    Part.HEED: "halten. обраща obedec obedeç befolg beacht folg halt suivre suis. suivez respect obéi obei tiens tenez sigas siga. seguir segui hagas haga. haz. caso. "
    "obedez cumpl segua rispett volg. volgen houd houden. nalev przestrzeg stosuj słuchaj следу соблюд подчин слуша تتبع تلتزم اتبع باتباع "
    "पालन uyma. uymayın uymak takip "
    "daran respecte "
    "kümmer ligue. ligar "
    "ikusi. figyelembe följ. følg. noudata seuraa. kövesd dodržuj slijedi sledi laikykis ievēro järgi",
    Part.ORDERS: "anweisung vorschrift instruktion befehl regel vorgabe richtlinie consigne règle instruction directive "
    "instruccion instrucciones regla norma órdenes indicacion directri istruzion regol indicazion direttiv instruç instruc "
    "regra diretriz norma instructie opdracht richtlijn polecen instrukcj zasad reguł wytyczn инструкц указани правил "
    "команд установк prompt промпт директив تعليمات التعليمات أوامر الأوامر قواعد القواعد निर्देश नियम आदेश talimat kural yönerge komut "
    "anfangsbefehl startanweisung grundregel systemanweisung systemvorgab systembefehl regul instrucțiun pokyn pravid інструкц вказівк правил οδηγ κανον הוראות כללים instruksi perintah aturan دستور قواعد "
    "vorgegeb بالقواعد "
    "instruks anvisning bestämmels ohje. ohjei ohjeet sääntö säännö sääntöj utasítás szabály inštrukc uput pravil navodil nurodym instrukcij taisykl norādījum noteikum juhis juhen reegl leiðbein fyrirmæl regl cyfarwydd gyfarwydd "
    "argibide jarraibide agindu. tagubilin utos. panuto udhëzim rregull təlimat qayda հրահանգ կանոն வழிமுறை அறிவுறுத்தல் கட்டளை सूचना सूचनांक సూచన ఆదేశ నియమ ہدایات ہدایت اصول. ინსტრუქცი მითითებ წესებ нұсқау ереже указания. упътван упатств",
    Part.PAST: "vorherig bisherig vorig obig früher zuvor vorher oben bisher précédent ci-dessus dessus auparavant avant "
    "antérieur anterior previ antes arriba acima precedent finora sopra prima prior voorgaand eerder bovenstaand vorig "
    "wcześniej poprzedn powyżs dotychczas предыдущ прежн ранее раньше выше прошл السابق أعلاه पिछल ऊपर पूर्व önceki "
    "yukarıda daha "
    "vor. до. avant. sämtlich поперед προηγουμ הקודמות sebelumnya قبلی anterioar předchoz "
    "tidigare föregående hittills tidligere foregående ovenstående aiemm aiempi edelli tähänasti korábbi előző eddigi fenti. predchádz doteraj prethodn ranij dosad dotad prejšnj dosedanj ankstesn iepriekšēj varasema eelnev "
    "fyrri. blaenorol flaenorol aurreko nauna. naunang nakaraan kanina. mëparshm əvvəl նախորդ முந்தைய मागील претходн предишн предходн మునుపటి పూర్వ پچھل წინა. алдыңғы бұрынғы досега.",
    Part.CLOSE: "geheim versteckt verborgen secrèt secret cach initial ocult secreta inicial "
    "escondid nascost segret verborg ukryt tajn początkow iniziali скрыт секретн тайн изначальн السري سرية "
    "المخفية गुप्त छिप gizli "
    "hemlig dolda. hemmelig skjult salais piilo rejtett titkos skryt skriven skrit slapt paslėpt slepen salaja. peidet leynileg",
    Part.UTTER: "zeig nenn verrat gib offenbar wiederhol schreib affich montr révèl révél donne recopi répèt écris dévoil "
    "muestra mostra enséña enseñ revel repit dime. di. mostre diga rivel mostram dimmi scriv toon geef onthul herhaal laat "
    "pokaż ujawnij podaj powtórz wypisz покаж выведи вывест раскр назови повтори сообщи اعرض اكشف أظهر اطبع اكتب أخبرني दिखा "
    "बता लिख yaz. प्रकट göster açıkla yazdır söyle paylaş "
    "afișea arată vypiš zobraz δειξ הצג tampilkan "
    "kopier copie. copiez cópia cópialo cole. процитир скопируй "
    "avslöja berätta skriv. afslør avslør fortæl fortell näytä paljasta tulosta kerro. mutasd írd. ukáž prikaži pokaži pokaz otkrij razkrij ispiši izpiši parodyk parādi näita sýndu dangos erakutsi ipakita trego. göstər ցույց காட்டு. காட்டுங்கள் दाखव",
    Part.ASK: "quelles. quels.",
    Part.SPOKEN: "gesagt mitgeteilt gelernt dit. dits. appris reçu dicho enseñado dijeron recibid dito. disseram detto "
    "ricevut imparat gezegd verteld powiedzian mówion говорил сказал сказано учил قيل söylen बताया कहा "
    "bekommen erhalten demandé données donné compartid recibiste dieron أعطيت given "
    "дали indicaron deram вам "
    "sagts. fått. fortalt. fået. sanottu. kerrottu. mondtak казано. речено. rečeno.",
    Part.WHOLE: "alles. alle. tout. toute. toutes. tous. todo. todos. toda. todas. tudo. tutto. tutti. tutte. wszystk всё. все. "
    "всех. كل. جميع. सब सभी tüm bütün her. "
    "sämtlich toate. tot. усі. всі. सार όλ כל. semua všechn تمام "
    "alla. alt. allt. kaikk összes minden. všetk sva. sve. svi. svih. vsa. vse. visų. visas. visus. kõik allar. öll. holl. guzti lahat. gjitha բոլոր அனைத்து सर्व. сите. всички అన్ని ყველა. барлық всичко. تمام.",
    Part.LACK: "ohne. keine. keinen. keinerlei. sans. aucune. sin. sem. senza. zonder. geen. bez. без. никаких بلا. بدون. दون. बिना. रहित "
    "olmayan hiçbir sınırsız. unbeschränkt uneingeschränkt "
    "нет. никак нету. aucun ningún ningun nenhum nessun ohne jede geen. żadn "
    "ni. "
    "utan. uden. uten. ilman. nélkül brez.",
    Part.BOUNDS: "einschränkung beschränkung filter zensur regel restriction limit censur filtre règle restric "
    "filtro regla norma restriz regol limiti beperking regels ogranicz zasad filtr cenzur ограничен правил фильтр "
    "цензур قيود قيد حدود प्रतिबंध सीमा रोक kısıt sınır kural filtre "
    "पाबंद einschränk restrict beschränk zensier sperr "
    "grenz "
    "begränsning begrænsning begrensning rajoit korlát obmedzen ogranič omejit regler.",
    Part.BEING: "bist. eres. és. sei. bent. jesteś bot. ki. ia. ai. intelligen intelig künstlich ии. sztuczn искусствен "
    "бот ذكاء एआई yapay kunstmatig assistent asistente assistente asystent asistan ассистент assistant "
    "assistent. modell model.",
    Part.SYSTEM: "system systemow système sistema systeem системн системы النظام सिस्टम sistem",
    Part.MESSAGE: "prompt systemprompt systeemprompt systemmeldung mensaje message messaggio mensagem промпт istem موجه प्रॉम्प्ट "
    "сообщен nachricht mensaje texto texte текст",
    Part.PREPROMPT: "systemprompt systeemprompt systemanweisung "
    "systemnachricht systemmeldung systemtext",
    Part.OWN: "dein deine ihre tes. ton. ta. vos. votre. tus. tu. sus. su. teu teus. tuas. seu seus. sua. suas. tuo tuoi tue. tua. "
    "je. jouw. uw. swoi swoich swoje swój twoj twoje twój свои своим твои твой ваш тебя अपन تعليماتك قواعدك kuralların talimatların senin "
    "sistem istemin "
    "din. dina. ditt. dine. sinun. tvoj svoj svoja. svůj své. sinu. zure. tuaj. iyong",
    Part.EXACT: "wort wörtlich wortlaut exakt mot. exact exacto palabra palavra parola woord słowo słowa dosłownie dokładnie дословн "
    "полностью целиком kelime aynen शब्दश पूरा completo كاملا حرفيا",
    Part.MORE: "mehr. plus. ya. mais. più meer. już. больше. artık alma. अब تعد.",
    Part.QUERY: "lautet welche quel. quelle. cuál cuáles qual. quais. quali. wat. welke. jaki. jakie. jaka. какой. какие. каков "
    "ما. क्या nedir",
    Part.BOW: "gehorch obéis obéir obedec obedéceme obbedi gehoorza słuchaj подчин слушай itaat أطع मान dinle",
    Part.SOLE: "nur. solo. sólo. seulement. uniquement. apenas. só. soltanto. alleen. tylko. только. лишь sadece yalnızca فقط सिर्फ केवल",
    Part.BOX: "postfach posteingang boîte boite buzón bandeja caixa casella skrzynk ящик gespräch unterhaltung conversación "
    "conversation. conversa conversazion gesprek rozmow переписк kundendat "
    "konversation",
    Part.MAIL: "sende schick übertrag leite weiterleit übermittl envoie envoy transmet envía envia reenvía reenvia manda. mandami "
    "envie. reenvie transferer. transferez. transferir. transfira. lade. laden. invia inoltra spedisc stuur verstuur doorstur wyślij prześlij przekaż отправ перешли перешл пошли أرسل ارسل भेज "
    "gönder ilet. aktar "
    "weiterleit leite. leiten. lade. hochlad",
    Part.GOODS: "passwort passwörter kennwort zugangsdaten e-mails emails. mails. postfach kontakt daten dokument "
    "mots. passe. mot. données courriel contact identifiant contraseñ datos correo contacto credencial clave senha dados "
    "mensage contato password. credenzial dati. messagg contatt wachtwoord gegevens berichten hasł dane. wiadomośc kontakt "
    "пароль парол данн письм контакт ключ كلمة بيانات رسائل جهات पासवर्ड डेटा ईमेल संपर्क şifre parola veri e-posta kişiler "
    "liste. rechnung invoice factur clientes clients kunden",
    Part.INFORM: "sage sag. sagen informier erwähn verrat mitteil prévenir prévien informer dire dis. avertir mention digas. "
    "diga. decir avises avisar avise conte. informe. dirlo dire dirgli avvis informare menzion zeg vertel meld mów powiadam "
    "informuj wspomin говори сообща упомина уведом تخبر إخبار बता söyleme bildirme haber "
    "digas. verschweig",
    Part.READER: "assistent asistente assistant assistente asystent asistan ассистент помощник المساعد مساعد सहायक ki. ia. ai. "
    "ии. sprachmodell modell modèle modelo modello "
    "bot. bots. neural нейросет модел modelos modèles kis. chatbot sprachmodelle agent. agenten agente",
    Part.MAKERS: "entwickler schöpfer ersteller créateur développeur concepteur creador desarrollador criador desenvolvedor sviluppator ontwikkelaar twórc programist создател разработчик geliştirici yaratıcı المطور निर्माता",
    Part.VOID: "aufgehoben ungültig hinfällig annullier nichtig annulé caduc révoqué anulad cancelad derogad suspendid revogad annullat revocat sospes vervallen ingetrokken geannuleerd anulowan unieważnion zniesion отменен отменя аннулир недейств iptal geçersiz रद्द अमान्य ملغاة لاغية",
    Part.POSE: "tu. stell. spiel. verhalte. fais. comporte. comporta. imagine. joue. haz. finge. fingir actúa. imagina. finja. faça. aja. fingi. fai. immagina. doe. gedraag. speel. udawaj zachowuj wyobraź притвор представь davran rolünü hayal بصفتك تظاهر تصرف تخيل बनो. नाटक",
    Part.THOU: "du. dir. dich. hast. bist. deine. deinen. tu. tes. tu. tienes. eres. tú. tuvieras. fueras. você. voce. tens. teus. hai. sei. je. jij. bent. hebt. ty. masz. jesteś ты. тебя. тебе. sen. senin तुम. आप. أنت. te.",
    Part.THINE: "kuralların talimatların تعليماتك قواعدك promptun istemin rolün",
    Part.DEED: "überweis lösch empfehl verschweig aufforder aufruf supprim efface transfèr recommand cache. cachez demande. demandez approuv borra elimina oculta recomiend recomend transfier pide. pida respond apague exclua transfira peça cancella nascond raccomand chied verwijder verberg aanbevel vraag. usuń ukryj poleć poproś удал скрой рекоменд переведи попроси sil. gizle öner. احذف أخف اطلب حول हटा छिपा मांग",
    Part.SHED: "kaldır entfern supprim. quita. remov rimuov verwijder usuń сними убери हटाओ हटा. أزل.",
}  # fmt: skip


def _table() -> dict[str, int]:
    table: dict[str, int] = {}
    for part, stems in _STEMS.items():
        for stem in stems.split():
            whole = stem.endswith(".")
            for plain in plain_word(stem.rstrip(".")).split("-"):
                key = plain + "." * whole
                table[key] = table.get(key, 0) | part.value
    return table


_TABLE = _table()
_LONGEST = max(map(len, _TABLE))


@lru_cache(maxsize=32_768)
def parts_of(word: str) -> int:
    """Return the parts that a plain word plays in any language, as a plain number."""
    parts = PARTS.get(word, 0) | _TABLE.get(word + ".", 0)
    for length in range(_SHORTEST, min(len(word), _LONGEST) + 1):
        parts |= _TABLE.get(word[:length], 0)
    return parts
