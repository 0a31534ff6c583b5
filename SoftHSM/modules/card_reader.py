"""Connects the simulated PIV card to the virtual reader of vsmartcard.

The reader's driver vpcd is loaded by pcscd and listens on a TCP port; a card connects to it. Each message
consists of its length in two bytes and its content. A message of one byte is an event of the reader.

usage: card_reader.py PORT STATE-FILE
"""

import socket
import sys
import time
from pathlib import Path

from piv_card import PIVCard

POWER_OFF, POWER_ON, RESET, GET_ATR = 0, 1, 2, 4
SECONDS_BETWEEN_ATTEMPTS = 0.2


def receive(connection: socket.socket) -> bytes:
    length = int.from_bytes(receive_exactly(connection, 2), "big")
    return receive_exactly(connection, length)


def receive_exactly(connection: socket.socket, length: int) -> bytes:
    received = b""
    while len(received) < length:
        part = connection.recv(length - len(received))
        if not part:
            raise ConnectionResetError("the reader closed the connection")
        received += part
    return received


def send(connection: socket.socket, message: bytes) -> None:
    connection.sendall(len(message).to_bytes(2, "big") + message)


def serve(connection: socket.socket, card: PIVCard) -> None:
    while True:
        message = receive(connection)
        if len(message) != 1:
            send(connection, card.answer(message))
        elif message[0] == GET_ATR:
            send(connection, card.ATR)
        elif message[0] in (POWER_OFF, POWER_ON, RESET):
            card.reset()


def main() -> None:
    port, state_file = int(sys.argv[1]), Path(sys.argv[2])
    card = PIVCard(state_file)
    # The driver may start later than this program, and drops the connection when it restarts.
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port)) as connection:
                serve(connection, card)
        except ConnectionError:
            time.sleep(SECONDS_BETWEEN_ATTEMPTS)


if __name__ == "__main__":
    main()
