"""Where the demo's made-up people live: names, ways to write a phone number, and numbers.

Numbers come from ranges that regulators keep for fiction, so that nobody can be called by them,
wherever such ranges exist and `phonenumbers` calls them valid: 555-0100 to 555-0199 in each area
code of the United States, ARCEP's landlines (its 06 39 98 is no valid number to `phonenumbers`),
the Bundesnetzagentur's landlines, Ofcom's landlines. Elsewhere we know of none: those numbers are
made up in ordinary mobile ranges. The demo calls nobody and sends hashes to its own sandbox only.
"""

from dataclasses import dataclass

SPREAD = 7_368_787  # a prime, so that neighbours in the file get numbers far apart, each once


@dataclass(frozen=True)
class Numbers:
    """National numbers: one of the prefixes, then `digits` more."""

    prefixes: tuple[str, ...]
    digits: int

    @property
    def size(self) -> int:
        """How many different numbers there are."""
        return len(self.prefixes) * int(10**self.digits)

    def at(self, place: int) -> str:
        """The number at a place; different places below `size` give different numbers."""
        serial, prefix = divmod(place * SPREAD % self.size, len(self.prefixes))
        return f"{self.prefixes[prefix]}{serial:0{self.digits}}"


@dataclass(frozen=True)
class Country:
    """A country: `slots` in 200 people live there; `#` in a spelling is a digit of the number."""

    code: str
    slots: int
    calling: str
    languages: tuple[str, ...]
    first_names: tuple[str, ...]
    last_names: tuple[str, ...]
    spellings: tuple[str, ...]
    numbers: tuple[Numbers, ...]  # the later ones only when the earlier ones have run out

    def number(self, place: int) -> str:
        """The national number of the country's phone number `place`, counted from 0."""
        for numbers in self.numbers[:-1]:
            if place < numbers.size:
                return numbers.at(place)
            place -= numbers.size
        return self.numbers[-1].at(place)


def _words(text: str) -> tuple[str, ...]:
    """Words by white space; an underscore is a space inside one."""
    return tuple(word.replace("_", " ") for word in text.split())


_AREA_CODES = _words("""
    201 202 203 205 206 207 208 209 210 212 213 214 215 216 217 218 219 220 224 225 228 229 231 234
    239 240 248 251 252 253 254 256 260 262 267 269 270 272 276 281 301 302 303 304 305 307 308 309
    310 312 313 314 315 316 317 318 319 320 321 323 325 330 331 334 336 337 339 347 351 352 360 361
    385 386 401 402 404 405 406 407 408 409 410 412 413 414 415 417 419 423 424 425 430 432 434 435
    440 443 469 470 475 478 479 480 484 501 502 503 504 505 507 508 509 510 512 513 515 516 517 518
    520 530 531 534 539 540 541 551 559 561 562 563 567 570 571 573 574 575 580 585 586 601 602 603
    605 606 607 608 609 610 612 614 615 616 617 618 619 620 623 626 630 631 636 641 646 650 651 657
    660 661 662 678 681 682 701 702 703 704 706 707 708 712 713 714 715 716 717 718 719 720 724 727
    731 732 734 740 747 754 757 760 762 763 765 769 770 772 773 774 775 779 781 785 786 801 802 803
    804 805 806 808 810 812 813 814 815 816 817 818 828 830 831 832 843 845 847 848 850 856 857 858
    859 860 862 863 864 865 870 872 901 903 904 906 907 908 909 910 912 913 914 915 916 917 918 919
    920 925 928 931 936 937 938 940 941 947 949 951 952 954 956 970 971 972 973 978 979 980 985 989
""")

COUNTRIES: tuple[Country, ...] = (
    Country(
        code="BR",
        slots=56,
        calling="55",
        languages=("pt-BR",),
        first_names=_words("""
            Ana João José Antônio Luíza Márcia Cauã Inês Vitória Thaís Júlia Heitor Cecília
            Otávio Sebastião Marília Caio Lívia Davi Maria_Clara
        """),
        last_names=_words("""
            Silva Souza Conceição Araújo Gonçalves Magalhães Brandão Simões Falcão Galvão
            Assunção Barros Lima da_Cruz dos_Santos Sá Mourão Guimarães Ribeiro Pacheco
        """),
        spellings=("(##) #####-####", "## ##### ####", "0## #####-####", "0 21 ## #####-####"),
        numbers=(Numbers(_words("119 219 319 419 519 619 719 819 859 919 489 279 629 679"), 8),),
    ),
    Country(
        code="US",
        slots=30,
        calling="1",
        languages=("en", "en", "es"),
        first_names=_words("""
            Emma Liam Zoë José Chloë Renée Noah Sofía Jesús Aaliyah Siobhán Dakota Mary_Ann
            André Beyoncé Ezekiel Hailey Owen Maya Theo
        """),
        last_names=_words("""
            Smith Johnson O'Neill Núñez García Peña D'Angelo Nguyen Muñoz Brown Garçon
            Kowalski Jackson Washington Van_Dyke Hernández Lee Patel Cohen Begay
        """),
        spellings=("(###) ###-####", "###.###.####", "1-###-###-####", "### ### ####"),
        numbers=(
            Numbers(tuple(f"{area}55501" for area in _AREA_CODES), 2),
            Numbers(_words("212212 213312 312422 415522 512633 602744 702833"), 4),
        ),
    ),
    Country(
        code="MX",
        slots=24,
        calling="52",
        languages=("es-MX",),
        first_names=_words("""
            José_Luis María Guadalupe Jesús Ximena Sofía Andrés Raúl Itzel Íñigo Lucía Joaquín
            Begoña Héctor Inés Rubén Citlali Ángel Verónica Martín
        """),
        last_names=_words("""
            Hernández García Martínez López González Pérez Rodríguez Sánchez Ramírez Núñez
            Peña Muñoz Ibáñez Cervantes de_la_Cruz Yáñez Ortiz Juárez Güemes Ávila
        """),
        spellings=("(##) #### ####", "##-####-####", "0052 ## #### ####", "## ## ## ## ##"),
        numbers=(Numbers(_words("5512 5523 5534 5541 3312 3321 8112 8121"), 6),),
    ),
    Country(
        code="IN",
        slots=24,
        calling="91",
        languages=("hi", "en", "ta"),
        first_names=_words("""
            Aarav Priya Āditya Lakṣmī प्रिया आरव Ananya Rohan Meera Vivaan Kavya Arjun Saanvi
            Ishaan Dīpa Kabir Neha Siddharth தமிழ் Zoya
        """),
        last_names=_words("""
            Sharma Patel Singh Kumar Iyer Reddy Nair Gupta Śarmā शर्मा Banerjee Khan Das Joshi
            Mehta Rao Bose Chaudhary Fernandes Pillai
        """),
        spellings=("0##### #####", "#####-#####", "0091 ##### #####", "##### #####"),
        numbers=(Numbers(_words("9810 9820 9845 9876 9900 9930 9988 8800 7012"), 6),),
    ),
    Country(
        code="FR",
        slots=16,
        calling="33",
        languages=("fr",),
        first_names=_words("""
            Élodie François Zoé Anaïs Noël Hélène Jérôme Cédric Maëlys Benoît Amélie Loïc
            Gaëlle Chloé Théo Jean-René Océane Raphaël Inès Léa
        """),
        last_names=_words("""
            Lefèvre Bérénger Müller Gauthier Dupré Noël L'Hôte Besançon Châtelain Forêt Martin
            Bernard d'Aubigné Lemaître Français Girard Renaud Hervé Île Œuvrard
        """),
        spellings=(
            "0# ## ## ## ##",
            "0#.##.##.##.##",
            "0033 # ## ## ## ##",
            "+33 (0)# ## ## ## ##",
        ),
        numbers=(
            Numbers(_words("19900 26191 35301 46571 53649"), 4),
            Numbers(_words("612 623 634 645 656 667 678"), 6),
        ),
    ),
    Country(
        code="JP",
        slots=14,
        calling="81",
        languages=("ja",),
        first_names=_words("""
            陽菜 さくら 蓮 大翔 ハナコ がく ゆづき 美咲 Haruto Yūki Shō Kenta Aoi パウロ Ryū
            ひなた Mei 翼 Sōta Naoko
        """),
        last_names=_words("""
            佐藤 鈴木 高橋 田中 Satō Suzuki 渡辺 伊藤 Kobayashi 山本 中村 Itō Ōno 加藤 吉田
            Endō 山田 Katō 松本 Gotō
        """),
        spellings=("0##-####-####", "0## #### ####", "(0##) ####-####", "+81 (0)##-####-####"),
        numbers=(Numbers(_words("901 802 703 905 806 907"), 7),),
    ),
    Country(
        code="PT",
        slots=12,
        calling="351",
        languages=("pt-PT",),
        first_names=_words("""
            João Inês Beatriz Tomás Gonçalo Leonor Mafalda Simão Matilde Estêvão Constança
            Rúben Luís Catarina Tiago Álvaro Sofia Martim Conceição Duarte
        """),
        last_names=_words("""
            Ferreira Magalhães Gonçalves Simões Conceição Brandão Leitão Falcão Guimarães
            Antunes Lourenço Vilaça Patrício Mourão Sá Pereira Abreu Pinhão Faria Lobão
        """),
        spellings=("### ### ###", "###-###-###", "00351 ### ### ###", "(+351) ### ### ###"),
        numbers=(Numbers(_words("91 93 96"), 7),),
    ),
    Country(
        code="DE",
        slots=12,
        calling="49",
        languages=("de",),
        first_names=_words("""
            Jürgen Käthe Björn Anna-Lena Sören Jörg Günther Lukas Zoë Mia Müslüm Rüdiger Ömer
            Heike Götz Łucja Bärbel Hannah Noël Felix
        """),
        last_names=_words("""
            Müller Schäfer Weiß Jäger Köhler Großmann Böhm Schröder von_der_Höhe Krüger Yıldız
            Fuß Kühn Schulz Strauß Bäcker Öztürk Wagner Lößl Voß
        """),
        spellings=("0## ########", "0##/########", "0049 ## ########", "+49 (0)## ####-####"),
        numbers=(
            Numbers(_words("3023125 6990009 4066969 2214710 8999998"), 3),
            Numbers(_words("1701 1713 1725 1734 1742"), 6),
        ),
    ),
    Country(
        code="NG",
        slots=5,
        calling="234",
        languages=("en",),
        first_names=_words("""
            Adébáyò Ngọzi Chinedu Olúfẹ́mi Amina Ẹniọlá Tunde Ìfẹ́ Zainab Emeka
        """),
        last_names=_words("""
            Okafor Adéyẹmí Bello Ọládipò Eze Balogun Nwọsu Danjuma Àjàyí Musa
        """),
        spellings=("0### ### ####", "0###-###-####", "0### #######"),
        numbers=(Numbers(_words("8032 8063 7031 8142 9032"), 6),),
    ),
    Country(
        code="PL",
        slots=5,
        calling="48",
        languages=("pl",),
        first_names=_words("""
            Łukasz Małgorzata Zofia Paweł Grażyna Stanisław Żaneta Michał Ania Józef
        """),
        last_names=_words("""
            Wójcik Kowalczyk Żak Dąbrowski Łuczak Świątek Zieliński Gołąb Nowak Pięta
        """),
        spellings=("### ### ###", "###-###-###", "0048 ### ### ###"),
        numbers=(Numbers(_words("512 601 662 790 888"), 6),),
    ),
    Country(
        code="GB",
        slots=2,
        calling="44",
        languages=("en", "cy"),
        first_names=_words("Siân Oliver Niamh Llŷr Amelia Chloë George Zoë Seònaid Harry"),
        last_names=_words("""
            Jones O'Brien Brontë Evans Llŵyd MacÀidh Taylor Khan Smyth Fitzgerald
        """),
        spellings=("0## #### ####", "(0##) ########", "0044 ## ########"),
        numbers=(
            Numbers(_words("2079460 1134960 1144960 1164960 1174960 1184960 1214960"), 3),
            Numbers(_words("7400 7500 7712 7890"), 6),
        ),
    ),
)

assert sum(country.slots for country in COUNTRIES) == 200, "each of 200 slots needs a country"
