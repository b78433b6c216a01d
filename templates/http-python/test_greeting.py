"""What needs no host is tested by Python itself: python3 -m unittest"""

import unittest

from greeting import greeting


class Greeting(unittest.TestCase):
    def test_whoever_is_named(self) -> None:
        self.assertEqual(greeting("/"), "Hello, world!\n")
        self.assertEqual(greeting("/?a=b"), "Hello, world!\n")
        self.assertEqual(greeting("/ada"), "Hello, ada!\n")


if __name__ == "__main__":
    unittest.main()
